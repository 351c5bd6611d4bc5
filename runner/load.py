"""Files to model: collections of every format, environments and globals, as lenient as Postman and as precise as it can be.

Every shape Postman accepts (url as text or parts, exec as text or list, null lists, wrappers) becomes the one in `model`.
`load_v1` turns format 1 into 2.1. What cannot be understood raises `LoadError` with the file and the place inside it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from runner.behavior import behavior_from_json
from runner.jstext import js_text
from runner.load_v1 import is_v1, to_v21
from runner.model import (
    Auth,
    Body,
    Collection,
    Environment,
    Event,
    Example,
    Folder,
    FormParam,
    Item,
    Json,
    MadeUpId,
    Param,
    Request,
    Url,
    Variable,
)
from runner.place import Where, as_list, as_object, kind_of
from runner.reading import Reader, read_bytes, read_json

T = TypeVar("T")

_OF_ENVIRONMENTS = {"values", "name", "id"}
_DEEPEST = 100
_HEADER_LINE = re.compile(r"^([^\s:]+)[ \t]*:(.*)$", re.MULTILINE)
_MODES = frozenset({"raw", "urlencoded", "formdata", "file", "graphql"})


def load_collection(path: str | Path, read: Reader = read_bytes) -> Collection:
    """Read a collection file (v1, v2.0 or v2.1), with `read` in another way than from a file.

    Raises:
        LoadError: the file cannot be read, is not JSON, or is not a collection; names the file and the place inside.
    """
    return collection_from_json(read_json(path, read), Where(str(path)))


def load_environment(path: str | Path, read: Reader = read_bytes) -> Environment:
    """Read an environment or globals file, with `read` in another way than from a file.

    Raises:
        LoadError: the file cannot be read, is not JSON, or holds no list of values.
    """
    return environment_from_json(read_json(path, read), Where(str(path)))


def load_file(path: str | Path, read: Reader = read_bytes) -> Collection | Environment:
    """Read a file that is a collection, an environment or globals, whichever it is; `read` as in `load_collection`.

    Raises:
        LoadError: it is none of them.
    """
    data = read_json(path, read)
    inner = _peel(_peel(data, "environment"), "globals")
    if isinstance(inner, list) or (isinstance(inner, dict) and "values" in inner and "item" not in inner):
        return environment_from_json(data, Where(str(path)))
    return collection_from_json(data, Where(str(path)))


def collection_from_json(data: Any, where: Where | None = None) -> Collection:
    """A collection from its JSON value; a `{collection: …}` wrapper is peeled."""
    where = where or Where()
    root = as_object(_peel(data, "collection"), where)
    try:
        root = to_v21(root, where) if is_v1(root) else root
        if "item" not in root and "info" not in root:
            raise where.fail(f"is not a Postman collection: {_guess(root)}")
        items = _items(root.get("item"), where)
    except RecursionError as error:
        raise where.fail("folders are nested too deeply") from error
    info = as_object(root.get("info"), where.at("info"))
    return Collection(
        id=_text(info.get("_postman_id") or info.get("id") or root.get("id")) or MadeUpId(uuid.uuid4()),
        name=_text(info.get("name")),
        items=items,
        events=_events(root, where),
        auth=auth_from_json(root.get("auth"), where.at("auth")),
        behavior=behavior_from_json(root.get("protocolProfileBehavior"), where.at("protocolProfileBehavior")),
        variables=_variables(root.get("variable"), where.at("variable"), absent=""),
        description=_description(info.get("description")),
        schema=_text(info.get("schema")),
        version=_text(info.get("version")) if not isinstance(info.get("version"), dict) else "",
    )


def environment_from_json(data: Any, where: Where | None = None) -> Environment:
    """An environment or globals from its JSON value, or a bare list of values; `{environment: …}` wrappers are peeled."""
    where = where or Where()
    peeled = _peel(_peel(data, "environment"), "globals")
    root = {"values": peeled} if isinstance(peeled, list) else as_object(peeled, where)
    if "item" in root or "info" in root or is_v1(root):
        raise where.fail("is not an environment: it is a collection")
    if peeled is None or (root and not root.keys() & _OF_ENVIRONMENTS):
        raise where.fail("is not an environment: it has no `values`")
    return Environment(
        id=_text(root.get("id")),
        name=_text(root.get("name")),
        values=_variables(root.get("values"), where.at("values"), absent=""),
    )


def request_from_json(data: Any, where: Where | None = None) -> Request:
    """A request from Postman's JSON, or from a bare URL; also what a script left of `pm.request`."""
    where = where or Where()
    if isinstance(data, str):
        return Request(url=Url(text=data))
    root = as_object(data, where)
    return Request(
        url=_url(root.get("url"), where.at("url")),
        method=_text(root.get("method")) or "GET",
        headers=_params(root.get("header"), where.at("header"), _header_line),
        body=_body(root.get("body"), where.at("body")),
        auth=auth_from_json(root.get("auth"), where.at("auth")),
        description=_description(root.get("description")),
    )


def auth_from_json(data: Any, where: Where | None = None) -> Auth | None:
    """Auth of format 2.1 (a list of key and value) or 2.0 (an object); None when there is none."""
    where = where or Where()
    root = as_object(data, where)
    kind = _text(root.get("type"))
    if not kind:
        return None
    params = root.get(kind)
    if isinstance(params, dict):
        return Auth(type=kind, params=dict(params))
    entries = [entry for entry in as_list(params, where.at(kind)) if isinstance(entry, dict)]
    return Auth(type=kind, params={_text(entry.get("key")): entry.get("value") for entry in entries})


# ------------------------------------------------------------------------------------------------------------ the tree


def _items(data: Any, where: Where) -> tuple[Item | Folder, ...]:
    return tuple(_item_or_folder(entry, where, index) for index, entry in enumerate(as_list(data, where.at("item"))))


def _item_or_folder(data: Any, where: Where, index: int) -> Item | Folder:
    if not isinstance(data, dict):
        raise where.at(f"item {index + 1}").fail(f"expected a request or a folder, found {kind_of(data)}")
    here = where.at(_text(data.get("name")) or f"item {index + 1}")
    return _folder(data, here) if isinstance(data.get("item"), list) else _item(data, here)


def _folder(data: Json, where: Where) -> Folder:
    if len(where.names) > _DEEPEST:
        raise Where(where.file).fail(f"folders are nested too deeply: more than {_DEEPEST} in one another")
    return Folder(
        id=_id(data),
        name=_text(data.get("name")),
        items=_items(data.get("item"), where),
        events=_events(data, where),
        auth=auth_from_json(data.get("auth"), where.at("auth")),
        behavior=behavior_from_json(data.get("protocolProfileBehavior"), where.at("protocolProfileBehavior")),
        description=_description(data.get("description")),
    )


def _item(data: Json, where: Where) -> Item:
    request = data.get("request")
    if not isinstance(request, str | dict | None):
        raise where.at("request").fail(f"expected an object or a URL, found {kind_of(request)}")
    return Item(
        id=_id(data),
        name=_text(data.get("name")),
        request=request_from_json(request or "", where),
        events=_events(data, where),
        behavior=behavior_from_json(data.get("protocolProfileBehavior"), where.at("protocolProfileBehavior")),
        examples=tuple(
            _example(entry, where, n) for n, entry in enumerate(as_list(data.get("response"), where.at("response")), 1)
        ),
        description=_description(data.get("description")),
    )


_EXAMPLE = frozenset(("name", "id", "code", "status", "header", "body", "_postman_previewlanguage", "originalRequest"))
"""What of a saved response has a field of its own."""


def _example(data: Any, where: Where, number: int) -> Example:
    here = where.at("response")
    root = as_object(data, here, number)
    request = root.get("originalRequest")
    body = root.get("body")
    return Example(
        name=_text(root.get("name")),
        id=_text(root.get("id")),
        code=root["code"] if isinstance(root.get("code"), int) else 200,
        status=_text(root.get("status")),
        headers=_params(root.get("header"), here.at("header"), _header_line),
        body=None if body is None else _text(body),
        language=_text(root.get("_postman_previewlanguage")),
        request=request_from_json(request, here) if isinstance(request, dict | str) else None,
        rest={key: value for key, value in root.items() if key not in _EXAMPLE},
    )


def _events(data: Json, where: Where) -> tuple[Event, ...]:
    raw = data.get("event") if data.get("event") is not None else data.get("events")
    here = where.at("event")
    entries = [raw] if isinstance(raw, dict) else as_list(raw, here)
    return tuple(_event(entry, here, number) for number, entry in enumerate(entries, 1) if entry is not None)


def _event(data: Any, where: Where, number: int) -> Event:
    root = as_object(data, where, number)
    script = root.get("script")
    body = script if isinstance(script, dict) else {"exec": script}
    packages = body.get("packages")
    return Event(
        listen=_text(root.get("listen")),
        code=_code(body.get("exec"), where.at("script")),
        id=_text(body.get("id")),
        disabled=bool(root.get("disabled")),
        packages=packages if isinstance(packages, dict) else {},
    )


def _code(lines: Any, where: Where) -> str:
    if isinstance(lines, str):
        return lines
    return "\n".join("" if line is None else _text(line) for line in as_list(lines, where.at("exec")))


# --------------------------------------------------------------------------------------------------- parts of a request


def _url(data: Any, where: Where) -> Url:
    if data is None or isinstance(data, str):
        return Url(text=data or "")
    root = as_object(data, where)
    # Postman ignores `raw` beside the parts; a hand-written file with nothing but `raw` clearly means it.
    if not any(root.get(part) for part in ("host", "path", "protocol", "query")) and isinstance(root.get("raw"), str):
        return Url(text=root["raw"], variables=_variables(root.get("variable"), where.at("variable")))
    return Url(
        protocol=_optional(root.get("protocol")),
        auth=_user_info(root.get("auth")),
        host=_segments(root.get("host"), "."),
        port=_optional(root.get("port")),
        path=_segments(root.get("path"), "/"),
        query=_params(root.get("query"), where.at("query"), _query_line),
        hash=_optional(root.get("hash")),
        variables=_variables(root.get("variable"), where.at("variable")),
    )


def _user_info(data: Any) -> str | None:
    if isinstance(data, dict):
        user, password = (_optional(data.get(part)) for part in ("user", "password"))
        return f"{user or ''}:{password}" if password is not None else user
    return _optional(data)


def _segments(data: Any, separator: str) -> tuple[str, ...]:
    if isinstance(data, str):
        return tuple(data.removeprefix(separator).split(separator)) if data else ()
    if not isinstance(data, list):
        return ()
    # Old exports have `{type, value}` objects as path segments.
    return tuple(_text(part.get("value")) if isinstance(part, dict) else _text(part) for part in data)


def _body(data: Any, where: Where) -> Body | None:
    if data is None:
        return None
    if isinstance(data, str):
        return Body(mode="raw", raw=data)
    root = as_object(data, where)
    mode = _text(root.get("mode")).lower()
    if not mode:
        return None
    file = root.get("file")
    file_parts = file if isinstance(file, dict) else {"src": file}
    graphql = root.get("graphql")
    options = root.get("options")
    raw_options = options.get("raw") if isinstance(options, dict) else None
    return Body(
        mode=mode if mode in _MODES else "raw",  # as Postman sends a mode that it does not know
        raw=_raw(root.get("raw")),
        urlencoded=_params(root.get("urlencoded"), where.at("urlencoded"), _query_line),
        formdata=_formdata(root.get("formdata") or None, where.at("formdata")),  # what JavaScript holds for false is no form
        file_src=_optional(file_parts.get("src")),
        file_content=_optional(file_parts.get("content")),
        graphql=graphql if isinstance(graphql, dict) else {"query": graphql} if isinstance(graphql, str) else {},
        language=_optional(raw_options.get("language")) if isinstance(raw_options, dict) else None,
        content_type=_optional(root.get("contentType")),
        disabled=bool(root.get("disabled")),
    )


def _raw(data: Any) -> str:
    if data is None:
        return ""
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _formdata(data: Any, where: Where) -> tuple[FormParam, ...]:
    return tuple(_form_param(entry, where, number) for number, entry in enumerate(as_list(data, where), 1))


def _form_param(data: Any, where: Where, number: int) -> FormParam:
    root = as_object(data, where, number)
    src, value = root.get("src"), root.get("value")
    sources = [src] if src and isinstance(src, str) else src if isinstance(src, list) else []
    structured = isinstance(value, dict | list)
    return FormParam(
        key=_text(root.get("key")),
        value=json.dumps(value, ensure_ascii=False, separators=(",", ":")) if structured else _optional(value),
        type=_text(root.get("type")) or "text",
        src=tuple(_text(entry) for entry in sources if entry is not None),
        content_type=_optional(root.get("contentType")),
        file_name=_optional(root.get("fileName")),
        disabled=bool(root.get("disabled")),
        description=_description(root.get("description")),
    )


def _params(data: Any, where: Where, from_text: Callable[[str], Iterator[Param]]) -> tuple[Param, ...]:
    if isinstance(data, str):
        return tuple(from_text(data))
    if isinstance(data, dict):
        return tuple(Param(key=key, value=_optional(value)) for key, value in data.items())
    entries = enumerate(as_list(data, where), 1)
    return tuple(param for number, entry in entries for param in _param(entry, where, number, from_text))


def _param(data: Any, where: Where, number: int, from_text: Callable[[str], Iterator[Param]]) -> Iterator[Param]:
    if data is None:
        return
    if isinstance(data, str):
        yield from from_text(data)
        return
    root = as_object(data, where, number)
    yield Param(
        key=_text(root.get("key")),
        value=_optional(root.get("value")),
        disabled=bool(root.get("disabled")),
        description=_description(root.get("description")),
    )


def _header_line(text: str) -> Iterator[Param]:
    """Headers as text; a line that is none, such as `// A: 1`, is left out (postman-collection, header.js)."""
    for line in _HEADER_LINE.finditer(text):
        yield Param(key=line[1], value=line[2].strip())


def _query_line(text: str) -> Iterator[Param]:
    for pair in text.removeprefix("?").split("&") if text else ():
        key, equals, value = pair.partition("=")
        yield Param(key=key, value=value if equals else None)


def _variables(data: Any, where: Where, absent: str | None = None) -> tuple[Variable, ...]:
    """Variables; `absent` is the value of one that has none: in a scope it is sent as nothing, unlike null."""
    if isinstance(data, dict):
        return tuple(Variable(key=key, value=value) for key, value in data.items())
    entries = enumerate(as_list(data, where), 1)
    return tuple(_variable(entry, where, number, absent) for number, entry in entries if entry is not None)


def _variable(data: Any, where: Where, number: int, absent: str | None) -> Variable:
    root = as_object(data, where, number)
    key = root.get("key") if root.get("key") is not None else root.get("id")
    return Variable(
        key=_text(key),
        value=root.get("value", absent),
        type=_text(root.get("type")) or "any",
        # The app writes `enabled: false` into environments; runtime only knows `disabled` and so uses them (newman#2986).
        disabled=root.get("disabled") is True or root.get("enabled") is False,
        description=_description(root.get("description")),
    )


# -------------------------------------------------------------------------------------------------------------- shapes


def _peel(data: Any, name: str) -> Any:
    return data[name] if isinstance(data, dict) and isinstance(data.get(name), dict) else data


def _text(data: Any) -> str:
    return "" if data is None else data if isinstance(data, str) else js_text(data)


def _optional(data: Any) -> str | None:
    return None if data is None else _text(data)


def _id(data: Json) -> str:
    return _text(data.get("id") or data.get("_postman_id")) or MadeUpId(uuid.uuid4())


def _description(data: Any) -> str:
    return _text(data.get("content")) if isinstance(data, dict) else _text(data)


def _guess(root: Json) -> str:
    if "values" in root:
        return "it is an environment or globals file"
    if "requests" in root:
        return "it is a collection of format 1 without `name` or `order`, export it again as v2.1"
    return "it has neither `info` nor `item`"
