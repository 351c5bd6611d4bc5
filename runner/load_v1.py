"""Collections of format 1, rewritten as format 2.1 with the rules of Postman's own converter.

Format 1 keeps its requests and folders in two flat lists; `order` and `folders_order` join them by id into a tree.
Whatever has a shape nobody expects is passed on as it is: `load` then names its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from runner.jstext import js_text
from runner.model import Json
from runner.place import Where, as_list, kind_of
from runner.url import parse

_SCHEMA = "https://schema.getpostman.com/json/collection/v1.0.0/collection.json"

_MODES = {"params": "formdata", "urlencoded": "urlencoded", "raw": "raw", "binary": "file", "graphql": "graphql"}
_SCRIPTS = {"tests": "test", "preRequestScript": "prerequest"}

# A name may hold colons: Postman takes all up to the last one that no blank precedes (`a:b:c` is the header `a:b`).
_HEADER = re.compile(r"((?://\s*)?\S+):(.*)")
_FOLD = re.compile(r"\r\n([ \t])")
_LINE_END = re.compile(r"\r\n|[\n\r\u2028\u2029]")


def _fields(text: str) -> dict[str, str]:
    """Format 2's names of auth settings, with those of format 1 behind a `=` where they differ."""
    pairs = (word.partition("=") for word in text.split())
    return {new: old or new for new, _, old in pairs}


_HELPERS = {
    "apikeyAuth": ("apikey", _fields("key value in")),
    "basicAuth": ("basic", _fields("username password")),
    "bearerAuth": ("bearer", _fields("token")),
    "digestAuth": (
        "digest",
        _fields("algorithm username realm password nonce nonceCount clientNonce opaque qop disableRetryRequest"),
    ),
    # Postman's signer knows `app` only, so the `appId` it converts to goes unused; a runner that used it would sign otherwise.
    "hawkAuth": (
        "hawk",
        _fields(
            "authId=hawk_id authKey=hawk_key algorithm user nonce extraData=ext appId=app delegation=dlg timestamp",
        ),
    ),
    "ntlmAuth": ("ntlm", _fields("username password domain workstation disableRetryRequest")),
    "oAuth1": (
        "oauth1",
        _fields(
            "consumerKey consumerSecret token tokenSecret signatureMethod timestamp nonce version realm "
            "addParamsToHeader=header autoAddParam=auto addEmptyParamsToSign=includeEmpty"
        ),
    ),
    "oAuth2": (
        "oauth2",
        _fields(
            "accessToken addTokenTo callBackUrl authUrl accessTokenUrl clientId clientSecret clientAuth grantType scope "
            "username password tokenType redirectUri refreshToken"
        ),
    ),
}


def is_v1(root: Json) -> bool:
    """Whether a JSON object is a collection of format 1."""
    return root.keys() >= {"name", "order", "requests"} and root.keys().isdisjoint({"info", "item"})


def to_v21(root: Json, where: Where) -> Json:
    """A collection of format 1 as one of format 2.1.

    Raises:
        LoadError: a list of the tree is not one, or a folder lies within itself.
    """
    return {
        "info": {
            "_postman_id": root.get("id"),
            "name": root.get("name"),
            "description": root.get("description"),
            "schema": _SCHEMA,
        },
        "item": _Tree(root, where).top(),
        **_common(root),
        "variable": _variables(root.get("variables") or root.get("variable")),
    }


# ------------------------------------------------------------------------------------------------------------ the tree


class _Tree:
    """The flat lists of a collection, and the tree they make. Ids that lead nowhere are passed over, as Postman does."""

    def __init__(self, root: Json, where: Where) -> None:
        self.root = root
        self.where = where
        self.folders = _by_id(root.get("folders"), where.at("folders"))
        self.requests = _by_id(root.get("requests"), where.at("requests"))
        self.taken: set[str] = set()

    def top(self) -> list[Json]:
        """The folders and then the requests that are in no folder."""
        return [*self._top_folders(), *self._items(dict.fromkeys(_ids(self.root, "order", self.where)))]

    def _top_folders(self) -> Iterator[Json]:
        inner = {child for folder in self.folders.values() for child in _ids(folder, "folders_order", self._place(folder))}
        # Postman takes an empty list at its word: no folder runs.
        ordered = self.root.get("folders_order") is not None
        for key in dict.fromkeys(_ids(self.root, "folders_order", self.where) if ordered else self.folders):
            if key in self.folders and key not in inner:
                yield self._folder(key, ())

    def _folder(self, key: str, above: tuple[str, ...]) -> Json:
        folder = self.folders[key]
        here = self._place(folder)
        if key in above:
            raise here.fail("the folder lies within itself", "Look at the `folders_order` of the folders.")
        inside = [name for name in _ids(folder, "folders_order", here) if name in self.folders]
        return {
            "id": self._id(key),
            "name": folder.get("name"),
            "description": folder.get("description"),
            "item": [
                *(self._folder(name, (*above, key)) for name in inside),
                *self._items(_ids(folder, "order", here)),
            ],
            **_common(folder),
        }

    def _items(self, order: Iterable[str]) -> Iterator[Json]:
        for key in order:
            if key in self.requests:
                yield self._item(key)

    def _item(self, key: str) -> Json:
        request = self.requests[key]
        common = _common(request)
        return {
            "id": self._id(key),
            "name": request.get("name"),
            "request": _request(request),
            "response": self._responses(request),
            "event": common["event"],
            "protocolProfileBehavior": common["protocolProfileBehavior"],
        }

    def _responses(self, request: Json) -> Any:
        entries, order = request.get("responses"), request.get("responses_order")
        if not isinstance(entries, list):
            return entries
        if isinstance(order, list) and order:
            known = {_key(entry): entry for entry in entries if isinstance(entry, dict)}
            entries = [known[key] for key in map(js_text, order) if key in known]
        return [self._response(entry) if isinstance(entry, dict) else entry for entry in entries]

    def _response(self, response: Json) -> Json:
        code = response.get("responseCode")
        status = code if isinstance(code, dict) else {}
        return {
            "name": response.get("name") or "response",
            "originalRequest": self._asked(response),
            "status": status.get("name"),
            "code": _whole_number(status.get("code")),
            "header": response.get("headers"),
            "cookie": response.get("cookies") or [],
            "body": response.get("text"),
        }

    def _asked(self, response: Json) -> Json | None:
        """The request of a saved response: an object, its JSON as text, or the id of one of the collection's."""
        asked = response.get("requestObject") or response.get("request")
        if isinstance(asked, str):
            read = _from_text(asked)
            asked = self.requests.get(asked) if read is None else read
        return _request(asked) if isinstance(asked, dict) else None

    def _place(self, folder: Json) -> Where:
        return self.where.at(js_text(folder.get("name") or folder.get("id")))

    def _id(self, key: str) -> str | None:
        """The id for the first place something is listed at; `load` makes new ones for the others."""
        first = key not in self.taken
        self.taken.add(key)
        return key if first else None


def _by_id(data: Any, where: Where) -> dict[str, Json]:
    return {_key(entry): entry for entry in _objects(data, where)}


def _objects(data: Any, where: Where) -> Iterator[Json]:
    for number, entry in enumerate(as_list(data, where), 1):
        if isinstance(entry, dict):
            yield entry
        elif entry is not None:
            raise where.at(str(number)).fail(f"expected an object, found {kind_of(entry)}")


def _ids(entity: Json, name: str, where: Where) -> list[str]:
    return [js_text(entry) for entry in as_list(entity.get(name), where.at(name)) if entry is not None]


def _key(entity: Json) -> str:
    return js_text(entity.get("id"))


# ------------------------------------------------------------------------ what collections, folders and requests share


def _common(entity: Json) -> Json:
    return {
        "event": _events(entity),
        "auth": _auth(entity),
        "protocolProfileBehavior": entity.get("protocolProfileBehavior"),
    }


def _events(entity: Json) -> Any:
    scripts = [{"listen": listen, "script": {"exec": entity[name]}} for name, listen in _SCRIPTS.items() if entity.get(name)]
    events = entity.get("events")
    # The old fields win over the new one: a program that knows only them may have changed them.
    if scripts or not isinstance(events, list):
        return scripts or events
    return [{**event, "listen": event.get("listen") or "test"} if isinstance(event, dict) else event for event in events]


def _auth(entity: Json) -> Any:
    attributes, helper = entity.get("helperAttributes"), entity.get("currentHelper")
    # Where the old field is there, even as null, Postman does not look at `auth`.
    if "currentHelper" not in entity and not attributes:
        return entity.get("auth")
    if isinstance(attributes, str):
        attributes = _from_text(attributes)
        helper = None if attributes is None else helper
    if not isinstance(helper, str) or helper in ("", "normal"):
        return None
    return _from_helper(helper, attributes if isinstance(attributes, dict) else {})


def _from_helper(helper: str, attributes: Json) -> Json:
    if helper == "awsSigV4":
        return {"type": "awsv4", "awsv4": attributes}
    type_, fields = _HELPERS.get(helper, (helper, {}))
    return {"type": type_, type_: {new: attributes[old] for new, old in fields.items() if old in attributes}}


def _variables(data: Any) -> Any:
    if not isinstance(data, list):
        return data
    return [{**entry, "type": "string"} if isinstance(entry, dict) and entry.get("type") == "text" else entry for entry in data]


# --------------------------------------------------------------------------------------------------- parts of a request


def _request(request: Json) -> Json:
    return {
        "auth": _auth(request),
        "method": request.get("method"),
        "header": _headers(request),
        "body": _body(request),
        "url": _url(request),
        "description": request.get("description"),
    }


def _headers(request: Json) -> Any:
    text, data = request.get("headers"), request.get("headerData") or []
    if not isinstance(text, str | None):
        return text
    if not isinstance(data, list):
        return data
    headers = [_header(entry) for entry in data]
    known = [header.get("key") for header in headers if isinstance(header, dict)]
    return headers + [header for header in _header_lines(text or "") if header["key"] not in known]


def _header(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    key = entry.get("key")
    if isinstance(key, str) and key.startswith("//"):
        return _commented_out(key) | {"value": entry.get("value")}
    return _switched(entry)


def _header_lines(text: str) -> Iterator[Json]:
    for line in _LINE_END.split(_FOLD.sub(r"\1", text)):
        if match := _HEADER.fullmatch(line):
            key, value = match[1], match[2].strip()
            yield (_commented_out(key) if key.startswith("//") else {"key": key}) | {"value": value}


def _commented_out(key: str) -> Json:
    return {"key": key.removeprefix("//").strip(), "disabled": True}


def _switched(entry: Json) -> Json:
    """Format 1 says `enabled: false` where format 2 says `disabled: true`."""
    return {**entry, "disabled": bool(entry.get("disabled")) or entry.get("enabled") is False}


def _url(request: Json) -> Any:
    text, query = request.get("url"), request.get("queryParams")
    variables = _path_variables(request)
    if not isinstance(text, str | None):
        return text
    if not query:
        return {"raw": text or "", "variable": variables} if variables else text
    # The list repeats what the text says, and knows more: parameters that are switched off.
    parts = parse(text or "")
    return {
        "protocol": parts.protocol,
        "auth": parts.auth,
        "host": list(parts.host),
        "port": parts.port,
        "path": list(parts.path),
        "query": [_query_param(entry) for entry in query] if isinstance(query, list) else query,
        "hash": parts.hash,
        "variable": variables or [{"key": variable.key} for variable in parts.variables],
    }


def _query_param(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    value = entry.get("value")
    if "equals" in entry and not value:
        value = "" if entry["equals"] else None
    return _switched(entry) | {"value": value}


def _path_variables(request: Json) -> Any:
    data, pairs = request.get("pathVariableData") or [], request.get("pathVariables")
    if not isinstance(data, list) or not isinstance(pairs, dict):
        return data
    known = [entry.get("key") for entry in data if isinstance(entry, dict)]
    return data + [{"key": key, "value": value} for key, value in pairs.items() if key not in known]


def _body(request: Json) -> Json | None:
    mode = _mode(request)
    if mode is None:
        return None
    content: dict[str, Any] = {
        "raw": _raw(request) or (request["data"] if isinstance(request.get("data"), str) else ""),
        "file": {"src": _raw(request)},
        "graphql": _graphql(request),
    }
    return {
        "mode": mode,
        mode: content[mode] if mode in content else _form(request),
        "options": _options(request),
        "disabled": request.get("dataDisabled"),
    }


def _mode(request: Json) -> str | None:
    """What kind of body there is, from what it holds where the request does not say; None for no body."""
    named = request.get("dataMode")
    if isinstance(named, str) and named in _MODES:
        return _MODES[named]
    empty = not (request.get("data") or request.get("rawModeData") or request.get("graphqlModeData"))
    if empty or ("dataMode" in request and named is None):
        return None
    if _raw(request):
        return "raw"
    if isinstance(_form_data(request), list):
        return "formdata"
    return "graphql" if _graphql(request) else "raw"


def _raw(request: Json) -> str | None:
    data = request.get("rawModeData")
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    return data if isinstance(data, str) else None


def _graphql(request: Json) -> Any:
    if request.get("graphqlModeData"):
        return request["graphqlModeData"]
    options = request.get("dataOptions")
    return request.get("data") if isinstance(options, dict) and "graphql" in options else None


def _form_data(request: Json) -> Any:
    data = request.get("data")
    return data if data or isinstance(data, list) else request.get("rawModeData")


def _form(request: Json) -> list[Any]:
    data = _form_data(request)
    entries = data if isinstance(data, list) else []
    return [_field(entry) for entry in entries if not isinstance(entry, dict) or entry.get("key") is not None]


def _field(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    field = _switched(entry)
    if field.get("type") == "file" and not field.get("src") and field.get("value"):
        field["src"] = field.pop("value")
    return field


def _options(request: Json) -> Json:
    options = request.get("dataOptions")
    return {_MODES[name]: value for name, value in options.items() if name in _MODES} if isinstance(options, dict) else {}


# ------------------------------------------------------------------------------------------------------------- values


def _from_text(text: str) -> Any:
    """The JSON value in a text; None when it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _whole_number(data: Any) -> int | None:
    text = js_text(data)
    return int(text) if text.isdecimal() else None
