"""The model as Postman's JSON (format 2.1): for the sandbox, for reports and for exports. `load` is the way back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

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
    Param,
    Prepared,
    Request,
    Url,
    Variable,
)

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def request_json(request: Request) -> Json:
    """A request as it stands, for `pm.request`: texts untouched, disabled entries included."""
    result: Json = {"url": url_json(request.url), "method": request.method}
    if request.headers:
        result["header"] = _params(request.headers)
    if request.body is not None:
        result["body"] = body_json(request.body)
    if request.auth is not None:
        result["auth"] = auth_json(request.auth)
    if request.description:
        result["description"] = request.description
    return result


def sent_request_json(prepared: Prepared) -> Json:
    """A request as it went out: the headers added on the way are marked `system`."""
    request = prepared.request or _from_wire(prepared)
    result = request_json(request)
    headers = [*_sent_headers(request, prepared), *_added_headers(request, prepared)]
    return {**result, "header": headers} if headers else result


def collection_json(collection: Collection) -> Json:
    """A collection for an export or a report, always in format 2.1."""
    info: Json = {"_postman_id": collection.id, "name": collection.name, "schema": _SCHEMA}
    if collection.version:
        info["version"] = collection.version
    if collection.description:
        info["description"] = collection.description
    tree = _group(collection)
    variables = [variable_json(variable) for variable in collection.variables]
    return {"info": info, **tree, "variable": variables}


def item_json(item: Item) -> Json:
    """One item with its scripts and saved examples."""
    result: Json = {"id": item.id, "name": item.name, "request": request_json(item.request)}
    result["response"] = [_example(example) for example in item.examples]
    result["event"] = [_event(event) for event in item.events]
    if item.behavior:
        result["protocolProfileBehavior"] = dict(item.behavior)
    if item.description:
        result["description"] = item.description
    return result


def environment_json(
    environment: Environment, scope: str = "environment", *, now: datetime | None = None, using: str = "pabal"
) -> Json:
    """An environment, or with `scope` "globals" the globals, for an export or a report.

    With `now` the export is stamped with that time and with `using`, the name of the program.
    """
    result: Json = {
        "id": environment.id,
        "name": environment.name or scope,
        "values": [variable_json(variable) for variable in environment.values],
    }
    return result | (stamp(now, using) | {"_postman_variable_scope": scope} if now else {})


def stamp(now: datetime, using: str = "pabal") -> Json:
    """The two keys that say when and by what a file was exported."""
    moment = now.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    return {"_postman_exported_at": moment, "_postman_exported_using": using}


def variable_json(variable: Variable) -> Json:
    """One variable. A disabled one says so twice: the app reads `enabled`, Newman reads `disabled`."""
    result: Json = {"type": variable.type, "value": variable.value, "key": variable.key, **_described(variable)}
    return {**result, "disabled": True, "enabled": False} if variable.disabled else result


def url_json(url: Url) -> Json | str:
    """A URL in parts, or the text it was given as."""
    if url.text is not None and not url.variables:
        return url.text
    result: Json = {} if url.text is None else {"raw": url.text}
    named = {"protocol": url.protocol, "auth": _user_info(url.auth), "port": url.port, "hash": url.hash}
    # The SDK tells a missing part from an empty one: null would become text in the URL.
    result |= {name: value for name, value in named.items() if value is not None}
    if url.host:
        result["host"] = list(url.host)
    if url.path:
        result["path"] = list(url.path)
    if url.text is None:
        result["query"] = _params(url.query)
    result["variable"] = [variable_json(variable) for variable in url.variables]
    return result


def auth_json(auth: Auth) -> Json:
    """Auth with its parameters as a list of key and value."""
    result: Json = {"type": auth.type}
    if auth.params:
        result[auth.type] = [{"type": "any", "value": value, "key": key} for key, value in auth.params.items()]
    return result


def body_json(body: Body) -> Json:
    """A body with the content of its mode."""
    result: Json = {"mode": body.mode, **_content(body)}
    if body.language is not None:
        result["options"] = {"raw": {"language": body.language}}
    if body.content_type is not None:
        result["contentType"] = body.content_type
    if body.disabled:
        result["disabled"] = True
    return result


# ---------------------------------------------------------------------------------------------------- parts of a request


def _content(body: Body) -> Json:
    match body.mode.lower():
        case "urlencoded":
            return {"urlencoded": _params(body.urlencoded)}
        case "formdata":
            return {"formdata": [_form_param(param) for param in body.formdata]}
        case "file":
            file = {"src": body.file_src, "content": body.file_content}
            return {"file": {name: value for name, value in file.items() if value is not None}}
        case "graphql":
            return {"graphql": dict(body.graphql)}
    return {"raw": body.raw}


def _param(param: Param) -> Json:
    result: Json = {"key": param.key, "value": param.value, **_described(param)}
    return {**result, "disabled": True} if param.disabled else result


def _described(entry: Param | FormParam | Variable) -> Json:
    return {"description": entry.description} if entry.description else {}


def _form_param(param: FormParam) -> Json:
    named: Json = {
        "key": param.key,
        "value": param.value,
        "type": param.type,
        "src": param.src[0] if len(param.src) == 1 and param.src[0] else list(param.src) or None,
        "contentType": param.content_type,
        "fileName": param.file_name,
        "disabled": param.disabled or None,
        "description": param.description or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _user_info(auth: str | None) -> Json | None:
    if auth is None:
        return None
    user, colon, password = auth.partition(":")
    return {"user": user, "password": password} if colon else {"user": user}


def _from_wire(prepared: Prepared) -> Request:
    """What is known of a request that was made without a model, such as a hop of a redirect."""
    body = None if prepared.body is None else Body(mode="raw", raw=prepared.body.decode("utf-8", "replace"))
    return Request(url=Url(text=prepared.url), method=prepared.method, body=body)


def _sent_headers(request: Request, prepared: Prepared) -> Iterator[Json]:
    sent = dict(prepared.headers)
    single = len(sent) == len(prepared.headers)
    for param in request.headers:
        entry = _param(param)
        if not param.disabled:
            # Cookies are merged into the user's line and form types corrected on the way; show what really went.
            entry["value"] = sent.get(param.key, param.value) if single else param.value
            if param.key.lower() in prepared.system_headers:
                entry["system"] = True
        yield entry


def _added_headers(request: Request, prepared: Prepared) -> Iterator[Json]:
    known = {param.key.lower() for param in request.headers if not param.disabled}
    for name, value in prepared.headers:
        if name.lower() not in known:
            yield {"key": name, "value": value, "system": True}


# ------------------------------------------------------------------------------------------------------------- the tree


def _group(folder: Folder) -> Json:
    result: Json = {"item": [_folder(child) if isinstance(child, Folder) else item_json(child) for child in folder.items]}
    result["event"] = [_event(event) for event in folder.events]
    if folder.auth is not None:
        result["auth"] = auth_json(folder.auth)
    if folder.behavior:
        result["protocolProfileBehavior"] = dict(folder.behavior)
    return result


def _folder(folder: Folder) -> Json:
    described: Json = {"description": folder.description} if folder.description else {}
    return {"id": folder.id, "name": folder.name, **described, **_group(folder)}


def _event(event: Event) -> Json:
    script: Json = {"type": "text/javascript", "exec": event.code.split("\n"), "packages": dict(event.packages)}
    if event.id:
        script["id"] = event.id
    return {"listen": event.listen, "script": script} | ({"disabled": True} if event.disabled else {})


def _example(example: Example) -> Json:
    result: Json = {"id": example.id} if example.id else {}
    result |= {**example.rest, "name": example.name, "code": example.code, "status": example.status}
    result["header"] = _params(example.headers)
    if example.body is not None:
        result["body"] = example.body
    if example.language:
        result["_postman_previewlanguage"] = example.language
    if example.request is not None:
        result["originalRequest"] = request_json(example.request)
    return result


def _params(params: Iterable[Param]) -> list[Json]:
    return [_param(param) for param in params]
