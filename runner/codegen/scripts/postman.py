"""What scripts know of Postman: `pm`, and the older globals beside it."""

from __future__ import annotations

from runner.codegen.scripts.context import Context
from runner.codegen.scripts.functions import define, is_function
from runner.codegen.scripts.literals import as_text
from runner.codegen.scripts.paths import path_of
from runner.codegen.scripts.python import ATOM, Kind, Py
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, source

SCOPES = {
    "pm.environment": "pm.environment",
    "pm.globals": "pm.globals",
    "pm.collectionVariables": "pm.collection_variables",
    "pm.variables": "pm.variables",
    "pm.iterationData": "pm.iteration_data",
}
SCOPE_METHODS: dict[str, tuple[str, int, Kind]] = {
    "get": ("get", 1, Kind.ANY),
    "set": ("set", 2, Kind.UNDEFINED),
    "unset": ("unset", 1, Kind.UNDEFINED),
    "has": ("has", 1, Kind.BOOL),
    "clear": ("clear", 0, Kind.UNDEFINED),
    "toObject": ("to_object", 0, Kind.DICT),
    "replaceIn": ("replace_in", 1, Kind.ANY),
}
CALLS: dict[str, tuple[str, int, Kind]] = {
    "postman.setEnvironmentVariable": ("pm.postman.set_environment_variable", 2, Kind.UNDEFINED),
    "postman.getEnvironmentVariable": ("pm.postman.get_environment_variable", 1, Kind.ANY),
    "postman.clearEnvironmentVariable": ("pm.postman.clear_environment_variable", 1, Kind.UNDEFINED),
    "postman.clearEnvironmentVariables": ("pm.postman.clear_environment_variables", 0, Kind.UNDEFINED),
    "postman.setGlobalVariable": ("pm.postman.set_global_variable", 2, Kind.UNDEFINED),
    "postman.getGlobalVariable": ("pm.postman.get_global_variable", 1, Kind.ANY),
    "postman.clearGlobalVariable": ("pm.postman.clear_global_variable", 1, Kind.UNDEFINED),
    "postman.clearGlobalVariables": ("pm.postman.clear_global_variables", 0, Kind.UNDEFINED),
    "postman.setNextRequest": ("pm.set_next_request", 1, Kind.UNDEFINED),
    "pm.execution.setNextRequest": ("pm.set_next_request", 1, Kind.UNDEFINED),
    "pm.execution.skipRequest": ("pm.skip_request", 0, Kind.UNDEFINED),
    "pm.request.url.toString": ("pm.request.url_text", 0, Kind.STR),
    "pm.request.url.getPath": ("pm.request.url_path", 0, Kind.STR),
    "pm.request.body.update": ("pm.request.update_body", 1, Kind.UNDEFINED),
    "pm.request.headers.get": ("pm.request.headers.get", 1, Kind.ANY),
    "pm.request.headers.has": ("pm.request.headers.has", 1, Kind.BOOL),
    "pm.request.headers.add": ("pm.request.add_header", 1, Kind.UNDEFINED),
    "pm.request.headers.upsert": ("pm.request.upsert_header", 1, Kind.UNDEFINED),
    "pm.request.headers.remove": ("pm.request.remove_header", 1, Kind.UNDEFINED),
    "pm.request.addHeader": ("pm.request.add_header", 1, Kind.UNDEFINED),
    "pm.request.upsertHeader": ("pm.request.upsert_header", 1, Kind.UNDEFINED),
    "pm.request.removeHeader": ("pm.request.remove_header", 1, Kind.UNDEFINED),
}
TEST_CALLS: dict[str, tuple[str, int, Kind]] = {
    "postman.getResponseHeader": ("pm.response.headers.get", 1, Kind.ANY),
    "postman.getResponseCookie": ("pm.cookies.find", 1, Kind.ANY),
    "pm.cookies.get": ("pm.cookies.get", 1, Kind.ANY),
    "pm.cookies.has": ("pm.cookies.has", 1, Kind.BOOL),
    "pm.cookies.toObject": ("pm.cookies.to_object", 0, Kind.DICT),
}
VALUES: dict[str, Py] = {
    "environment": Py("pm.postman.environment", Kind.DICT),
    "globals": Py("pm.postman.globals", Kind.DICT),
    "data": Py("pm.iteration_data.to_object()", Kind.DICT),
    "iteration": Py("pm.info.iteration", Kind.INT),
    "request": Py("pm.postman.request", Kind.DICT),
    "pm.info.iteration": Py("pm.info.iteration", Kind.INT),
    "pm.info.iterationCount": Py("pm.info.iteration_count", Kind.INT),
    "pm.info.requestName": Py("pm.info.request_name", Kind.STR),
    "pm.info.requestId": Py("pm.info.request_id", Kind.STR),
    "pm.info.eventName": Py("pm.info.event_name", Kind.STR),
    "pm.request.method": Py("pm.request.method", Kind.STR),
    "pm.request.body.raw": Py("pm.request.body_raw", Kind.ANY),
}
TEST_VALUES: dict[str, Py] = {
    "responseBody": Py("pm.response.text()", Kind.STR),
    "responseCode.code": Py("pm.response.code", Kind.ANY),
    "responseCode.name": Py("pm.response.status", Kind.ANY),
    "responseCode": Py("pm.postman.response_code", Kind.DICT),
    "responseHeaders": Py("pm.postman.response_headers", Kind.DICT),
    "responseTime": Py("pm.response.response_time", Kind.ANY),
    "responseCookies": Py("pm.postman.response_cookies", Kind.LIST),
    "pm.response": Py("pm.response", Kind.RESPONSE, plain=True),
}
RESPONSE_VALUES: dict[str, tuple[str, Kind]] = {
    "code": ("code", Kind.ANY),
    "status": ("status", Kind.ANY),
    "responseTime": ("response_time", Kind.ANY),
    "headers": ("headers", Kind.HEADERS),
}
RESPONSE_CALLS: dict[str, Kind] = {"json": Kind.ANY, "text": Kind.STR, "reason": Kind.ANY}
HEADER_CALLS: dict[str, tuple[str, int, Kind]] = {
    "get": ("get", 1, Kind.ANY),
    "has": ("has", 1, Kind.BOOL),
    "toObject": ("to_object", 0, Kind.DICT),
}
CONSOLE = frozenset({"log", "info", "warn", "error", "debug"})


def value(context: Context, node: Node, path: str) -> Py | None:
    """The value of a global or of one of its members; the longest path that is known counts."""
    if found := VALUES.get(path):
        return found
    if found := TEST_VALUES.get(path):
        _in_tests(context, node, path)
        return found
    return None


def _in_tests(context: Context, node: Node, path: str) -> None:
    if context.listen != "test":
        raise Untranslatable(node, f"{path} in a {context.listen} script")


def member(context: Context, owner: Node, name: str) -> Py | None:
    """A member of a response."""
    found = special(context, owner)
    if found is None:
        return None
    if found.kind is Kind.RESPONSE and name in RESPONSE_VALUES:
        attribute, kind = RESPONSE_VALUES[name]
        return Py(f"{found.at(ATOM)}.{attribute}", kind, plain=True)
    raise Untranslatable(owner, f"{name} of a {found.kind}")


def special(context: Context, node: Node) -> Py | None:
    """The value of a node that is a response or its headers."""
    if node.type not in ("identifier", "member_expression"):
        return None
    path = path_of(context, node)
    if path and path.startswith("pm.response"):
        _in_tests(context, node, "pm.response")
    variable = context.find(source(node)) if node.type == "identifier" else None
    if variable is not None:
        kind = variable.kind
    elif path in ("pm.response", "pm.response.headers"):
        kind = Kind.RESPONSE if path == "pm.response" else Kind.HEADERS
    elif (
        node.type == "member_expression"
        and source(field(node, "property")) == "headers"
        and special(context, field(node, "object"))
    ):
        kind = Kind.HEADERS
    else:
        return None
    return context.expression(node) if kind in (Kind.RESPONSE, Kind.HEADERS) else None


def method(context: Context, node: Node, owner: Node, name: str) -> Py | None:
    """A method of a response or of its headers."""
    found = special(context, owner)
    if found is None:
        return None
    values = [context.expression(each) for each in children(field(node, "arguments"))]
    if found.kind is Kind.RESPONSE and name in RESPONSE_CALLS and not values:
        return Py(f"{found.at(ATOM)}.{name}()", RESPONSE_CALLS[name])
    if found.kind is Kind.HEADERS and name in HEADER_CALLS and len(values) == HEADER_CALLS[name][1]:
        wanted, _, kind = HEADER_CALLS[name]
        return Py(f"{found.at(ATOM)}.{wanted}({', '.join(each.text for each in values)})", kind)
    raise Untranslatable(node, f"{name} of a {found.kind}")


def call(context: Context, node: Node, path: str) -> Py | None:
    """A call of something of Postman's."""
    owner, _, name = path.rpartition(".")
    if owner == "console" and name in CONSOLE:
        return _log(context, node, name)
    if path == "pm.sendRequest":
        return _send(context, node)
    if path == "pm.execution.skipRequest" and context.listen == "test":
        raise Untranslatable(node, "pm.execution.skipRequest in a test script")
    known = CALLS.get(path)
    if owner in SCOPES and name in SCOPE_METHODS:
        wanted, count, kind = SCOPE_METHODS[name]
        known = (f"{SCOPES[owner]}.{wanted}", count, kind)
    if path in TEST_CALLS:
        _in_tests(context, node, path)
        known = TEST_CALLS[path]
    if known is None:
        if path.startswith(("pm.", "postman.")) and not path.startswith(("pm.response.", "pm.expect", "pm.test")):
            raise Untranslatable(node, f"{path} is not translated")
        return None
    wanted, count, kind = known
    values = [context.expression(each) for each in children(field(node, "arguments"))]
    if len(values) != count:
        raise Untranslatable(node, f"{path} with {len(values)} arguments")
    for each in values:
        if each.kind in (Kind.RESPONSE, Kind.HEADERS, Kind.FUNCTION, Kind.PATTERN, Kind.ERROR, Kind.DATE):
            raise Untranslatable(node, f"a {each.kind} given to {path}")
    texts = [as_text(context, each, node).text if each.kind is Kind.DIGEST else each.text for each in values]
    if any(each.kind is Kind.DIGEST for each in values) and not path.startswith("postman."):
        raise Untranslatable(node, f"a digest given to {path}")
    return Py(f"{wanted}({', '.join(texts)})", kind)


def _log(context: Context, node: Node, level: str) -> Py:
    values = [context.expression(each) for each in children(field(node, "arguments"))]
    for each in values:
        if each.kind in (Kind.RESPONSE, Kind.HEADERS, Kind.FUNCTION, Kind.PATTERN, Kind.DIGEST, Kind.DATE):
            raise Untranslatable(node, f"a {each.kind} on the console")
    given = [each.text for each in values] + ([] if level == "log" else [f'level="{level}"'])
    return Py(f"pm.log({', '.join(given)})", Kind.UNDEFINED)


def _send(context: Context, node: Node) -> Py:
    given = children(field(node, "arguments"))
    if len(given) != 2 or not is_function(given[1]):
        raise Untranslatable(node, "pm.sendRequest without a function to call back")
    request = context.expression(given[0])
    if request.kind not in (Kind.STR, Kind.DICT):
        raise Untranslatable(node, "a request that is neither a text nor an object")
    if context.frame.in_loop:
        raise Untranslatable(node, "a request in a loop")
    name = context.fresh("on_response", Kind.FUNCTION)
    define(context, given[1], "on_response", name, kinds=(Kind.ANY, Kind.RESPONSE))
    return Py(f"pm.send_request({request.text}, {name})", Kind.UNDEFINED)
