"""Writes the collections and environments that come with the project, from the catalogue.

`python -m runner.kis.publish [FOLDER]` writes them below a folder, by default the working directory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from runner.kis import publish_scripts as scripts
from runner.kis.accounts import ACCOUNT_OF
from runner.kis.catalogue import VARIABLE_PREFIXES, Api, Sample, catalogue, meanings
from runner.kis.hosts import DOMAIN, MOCK_HOST
from runner.kis.publish_texts import COLLECTIONS, FOLDERS, describe

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
HOST_URLS = {"VTS": f"https://{MOCK_HOST}:29443", "PROD": f"https://openapi.{DOMAIN}:9443"}
_OTHERS = {"V": ["V_APPROVAL_KEY"], "J": ["APPROVAL_KEY", "HTS_ID"]}
FILES = {"V": "kis-mock", "J": "kis-real"}

_EXAMPLES = {"FUTURES_CODE": "A01612", "OVERSEAS_FUTURES_CODE": "6BZ26"}
"""Variables that the user renews when the contract has expired."""

_ORDERS = "주문"
_REVOKE = "/oauth2/revokeP"


def collection(letter: str) -> dict[str, Any]:
    """The collection of V or J as a Postman v2.1 document."""
    name, description = COLLECTIONS[letter]
    return {
        "info": {"_postman_id": _id(letter), "name": name, "schema": SCHEMA, "description": description},
        "item": list(_folders(letter)),
        "event": [_event("prerequest", scripts.lines(scripts.DATES)), _event("test", scripts.lines(scripts.SUCCESS))],
        "variable": [{"key": key, "value": value, "type": "string"} for key, value in _variables(letter).items()],
    }


def environment(letter: str) -> dict[str, Any]:
    """The environment of V or J: the names of the guide's tables, all of them blank but the two hosts."""
    prefixes = [prefix for (host, _), prefix in VARIABLE_PREFIXES.items() if host == letter]
    keys = [f"{prefix}_{kind}" for prefix in prefixes for kind in ("APPKEY", "APPSECRET", "TOKEN", "HASH")]
    names = [*(ACCOUNT_OF[prefix] for prefix in prefixes), *keys, *_OTHERS[letter]]
    return {
        "id": _id(letter, "environment"),
        "name": "모의투자" if letter == "V" else "실전투자",
        "values": [
            *({"key": key, "value": url, "type": "default", "enabled": True} for key, url in HOST_URLS.items()),
            *({"key": key, "value": "", "type": _type(key), "enabled": True} for key in names),
        ],
        "_postman_variable_scope": "environment",
    }


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every shipped file: its place below the project's folder, and what is in it."""
    for letter, name in FILES.items():
        yield f"collections/{name}.postman_collection.json", collection(letter)
        yield f"environments/{name}.postman_environment.json", environment(letter)


def text_of(document: Mapping[str, Any]) -> str:
    """A document as it stands in its file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def write(root: Path) -> None:
    """Write all files below a folder.

    Raises:
        OSError: one cannot be written.
    """
    for place, document in documents():
        root.joinpath(place).parent.mkdir(parents=True, exist_ok=True)
        root.joinpath(place).write_text(text_of(document), encoding="utf-8", newline="\n")


def _folders(letter: str) -> Iterator[dict[str, Any]]:
    """Authentication first, then quotes, accounts and orders, and the revocation last."""
    for name, description in FOLDERS.items():
        items = list(_items(letter, name))
        if items:
            yield {"id": _id(letter, name), "name": name, "description": description, "item": items}


def _items(letter: str, folder: str) -> Iterator[dict[str, Any]]:
    apis = [api for api in catalogue() if letter in api.offered and _folder(api) == folder]
    categories = list(dict.fromkeys(api.category for api in apis))
    for category in categories:
        requests = [_request(api, sample, letter) for api in apis if api.category == category for sample in _samples(api, letter)]
        if category == "OAuth인증":
            yield from requests
        else:
            name = f"{category} · {folder}" if category.endswith(_ORDERS) else category
            yield {"id": _id(letter, folder, category), "name": name, "item": requests}


def _folder(api: Api) -> str:
    if api.path == _REVOKE:
        return "접근토큰폐기"
    if api.category == "OAuth인증":
        return api.category
    if not api.category.endswith(_ORDERS):
        return "시세"
    return _ORDERS if api.moves_money else "계좌"


def _samples(api: Api, letter: str) -> Iterable[Sample]:
    return (sample for sample in api.samples if letter in sample.trs)


def _request(api: Api, sample: Sample, letter: str) -> dict[str, Any]:
    host, prefix = _host(letter), VARIABLE_PREFIXES[letter, sample.keys]
    name = f"{letter}_{api.name}" + (f" · {sample.label}" if sample.label else "")
    events = [
        _event("prerequest", scripts.prerequest(api, sample, host, prefix)),
        _event("test", scripts.test(api, sample, prefix, _OTHERS[letter][0])),
    ]
    fields = {key: _value(key, value, prefix) for key, value in api.parameters(sample, letter).items()}
    request: dict[str, Any] = {"method": api.method, "header": list(_headers(api, sample, letter, prefix))}
    if api.method == "POST":
        raw = json.dumps(fields, ensure_ascii=False, indent=4)
        request["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    request["url"] = _url(host, api.path, fields if api.method == "GET" else {})
    request["description"] = describe(api, sample, letter)
    return {
        "id": _id(letter, name),
        "name": name,
        "event": [event for event in events if event["script"]["exec"]],
        "request": request,
        "response": [],
    }


def _host(letter: str) -> str:
    """The variable of the host's URL, which is called as the stock keys' variables begin."""
    return VARIABLE_PREFIXES[letter, "stock"]


def _headers(api: Api, sample: Sample, letter: str, prefix: str) -> Iterator[dict[str, str]]:
    yield {"key": "content-type", "value": "application/json; charset=utf-8"}
    if api.path.startswith("/oauth2/"):
        return
    if sample.trs.get(letter):
        yield {"key": "authorization", "value": f"Bearer {{{{{prefix}_TOKEN}}}}"}
    yield {"key": "appkey", "value": f"{{{{{prefix}_APPKEY}}}}"}
    yield {"key": "appsecret", "value": f"{{{{{prefix}_APPSECRET}}}}"}
    if sample.trs[letter]:
        yield {"key": "tr_id", "value": sample.trs[letter]}
        yield {"key": "custtype", "value": "P"}
    if api.moves_money:
        yield {"key": "hashkey", "value": f"{{{{{prefix}_HASH}}}}"}


def _value(name: str, value: str, prefix: str) -> str:
    filled = {
        "CANO": f"{{{{{ACCOUNT_OF[prefix]}}}}}",
        "grant_type": "client_credentials",
        "appkey": f"{{{{{prefix}_APPKEY}}}}",
        "appsecret": f"{{{{{prefix}_APPSECRET}}}}",
        "secretkey": f"{{{{{prefix}_APPSECRET}}}}",
        "token": f"{{{{{prefix}_TOKEN}}}}",
    }
    return filled.get(name, value)


def _url(host: str, path: str, fields: Mapping[str, str]) -> dict[str, Any]:
    query = "&".join(f"{key}={value}" for key, value in fields.items())
    url: dict[str, Any] = {
        "raw": f"{{{{{host}}}}}{path}" + (f"?{query}" if query else ""),
        "host": [f"{{{{{host}}}}}"],
        "path": path.strip("/").split("/"),
    }
    if fields:
        url["query"] = [{"key": key, "value": value, "description": meanings()[key]} for key, value in fields.items()]
    return url


def _variables(letter: str) -> dict[str, str]:
    kept = (name for api in catalogue() for sample in _samples(api, letter) for name in sample.keep)
    return {**_EXAMPLES, **dict.fromkeys((*scripts.DATE_VARIABLES, *kept), "")}


def _type(key: str) -> str:
    return "default" if key.endswith("_HASH") else "secret"


def _event(listen: str, code: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": code}}


def _id(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(("pabal", "kis", *parts))))


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
