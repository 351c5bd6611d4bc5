"""Calls: JavaScript's own functions, methods of values, and the script's functions. What is Postman's is in `postman`."""

from __future__ import annotations

from collections.abc import Callable

from runner.codegen.scripts import chai, postman
from runner.codegen.scripts.context import Context, expresses
from runner.codegen.scripts.literals import as_text, undefined
from runner.codegen.scripts.operators import condition, owner_and_key
from runner.codegen.scripts.paths import path_of
from runner.codegen.scripts.python import ATOM, Kind, Py, comparison
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, maybe, source
from runner.codegen.support.methods import LIST, NUMBER, OBJECT, TEXT

# JavaScript's function, the support module's name for it, the most arguments it looks at, and what comes back.
GLOBALS: dict[str, tuple[str, int, Kind]] = {
    "parseInt": ("parse_int", 2, Kind.NUM),
    "parseFloat": ("parse_float", 1, Kind.NUM),
    "Number.parseInt": ("parse_int", 2, Kind.NUM),
    "Number.parseFloat": ("parse_float", 1, Kind.NUM),
    "Number": ("number", 1, Kind.NUM),
    "isNaN": ("is_nan", 1, Kind.BOOL),
    "Number.isInteger": ("is_integer", 1, Kind.BOOL),
    "JSON.parse": ("json_parse", 1, Kind.ANY),
    "JSON.stringify": ("json_text", 3, Kind.ANY),
    "Object.keys": ("keys", 1, Kind.LIST),
    "Object.values": ("own_values", 1, Kind.LIST),
    "Object.entries": ("entries", 1, Kind.LIST),
    "Array.isArray": ("is_list", 1, Kind.BOOL),
    "Date.now": ("now", 0, Kind.NUM),
    "Math.floor": ("floor", 1, Kind.NUM),
    "Math.ceil": ("ceiling", 1, Kind.NUM),
    "Math.round": ("nearest", 1, Kind.NUM),
    "Math.abs": ("magnitude", 1, Kind.NUM),
    "Math.max": ("largest", 99, Kind.NUM),
    "Math.min": ("smallest", 99, Kind.NUM),
    "Math.random": ("random", 0, Kind.NUM),
    "encodeURIComponent": ("encode_component", 1, Kind.STR),
    "decodeURIComponent": ("decode_component", 1, Kind.STR),
    "encodeURI": ("encode_uri", 1, Kind.STR),
    "String.fromCharCode": ("from_char_code", 99, Kind.STR),
    "btoa": ("btoa", 1, Kind.STR),
    "atob": ("atob", 1, Kind.STR),
    "_.parseInt": ("parse_int", 2, Kind.NUM),
    "_.isArray": ("is_list", 1, Kind.BOOL),
    "_.isEmpty": ("is_empty", 1, Kind.BOOL),
    "_.keys": ("keys", 1, Kind.LIST),
}

TEXT_RESULTS = frozenset(
    "charAt concat padEnd padStart repeat replace replaceAll slice substr substring toLowerCase toString toUpperCase trim trimEnd"
    " trimStart".split()
)
TRUTH_RESULTS = frozenset({"endsWith", "startsWith", "includes", "has", "hasOwnProperty", "every", "some", "test"})
INT_RESULTS = frozenset({"indexOf", "lastIndexOf", "findIndex", "search"})
LIST_RESULTS = frozenset({"filter", "map", "split", "flat", "concat", "sort", "reverse", "slice", "splice"})
METHODS = frozenset({*TEXT, *LIST, *NUMBER, *OBJECT})


def arguments(context: Context, node: Node) -> list[Py]:
    """The arguments of a call."""
    return [context.expression(each) for each in argument_nodes(node)]


def argument_nodes(node: Node) -> list[Node]:
    """The arguments of a call as they are written; spread ones are refused."""
    found = children(field(node, "arguments"))
    for each in found:
        if each.type == "spread_element":
            raise Untranslatable(each, "arguments spread out of a list")
    return found


@expresses("call_expression")
def _call(context: Context, node: Node) -> Py:
    function = field(node, "function")
    if maybe(node, "arguments") is None or field(node, "arguments").type != "arguments" or maybe(node, "optional_chain"):
        raise Untranslatable(node, "a call of this kind")
    if function.type == "identifier" and (variable := context.find(source(function))):
        return Py(f"{variable.name}({', '.join(each.text for each in arguments(context, node))})")
    path = path_of(context, function)
    for special in (postman.call, _global, _digest):
        if path and (found := special(context, node, path)):
            return found
    if chai.is_chain(context, node):
        raise Untranslatable(node, "an expectation inside of an expression")
    if function.type == "member_expression":
        return _method(context, node, function)
    raise Untranslatable(node, f"a call of {source(function)[:40]}")


def _global(context: Context, node: Node, path: str) -> Py | None:
    if path == "String":
        values = arguments(context, node)
        return as_text(context, values[0], node) if len(values) == 1 else Py('""', Kind.STR, literal=True)
    if path == "Boolean" and len(argument_nodes(node)) == 1:
        return condition(context, argument_nodes(node)[0])
    if path == "_.get":
        return _lodash_get(context, node)
    if path == "Object.assign" and argument_nodes(node)[0].type == "object":
        return Py(f"{context.use('spread')}({', '.join(each.text for each in arguments(context, node))})", Kind.DICT)
    if path == "CryptoJS.enc.Base64.stringify" and (inner := _inner_call(context, node, "CryptoJS.enc.Utf8.parse")):
        return Py(f"{context.use('base64_of')}({inner.text})", Kind.STR)
    if path not in GLOBALS:
        return None
    name, most, kind = GLOBALS[path]
    values = arguments(context, node)
    if path == "JSON.stringify" and len(values) > 1 and values[1].text not in ("None", "undefined"):
        raise Untranslatable(node, "JSON.stringify with a replacer")
    if path == "JSON.parse" and len(values) != 1:
        raise Untranslatable(node, "JSON.parse with a reviver")
    if not values and most == 1 and path != "Number":
        raise Untranslatable(node, f"{path} without an argument")
    if path == "JSON.stringify" and values[0].kind in (Kind.STR, Kind.LIST, Kind.DICT, Kind.INT):
        kind = Kind.STR
    _data_only(node, values)
    return Py(f"{context.use(name)}({', '.join(each.text for each in values[:most])})", kind)


def _inner_call(context: Context, node: Node, path: str) -> Py | None:
    """The single text given to a call of `path`, which is the only argument of this call."""
    given = argument_nodes(node)
    if len(given) != 1 or given[0].type != "call_expression" or path_of(context, field(given[0], "function")) != path:
        return None
    values = arguments(context, given[0])
    return values[0] if len(values) == 1 and values[0].kind in (Kind.STR, Kind.ANY) else None


def _buffer(context: Context, node: Node, owner: Node, name: str) -> Py | None:
    """`Buffer.from(text).toString("base64")`."""
    if name != "toString" or owner.type != "call_expression" or path_of(context, field(owner, "function")) != "Buffer.from":
        return None
    values = [each.text for each in arguments(context, owner)]
    coding = [source(each).strip("'\"") for each in argument_nodes(node)]
    if coding == ["base64"] and (len(values) == 1 or values[1:] in (['"utf8"'], ['"utf-8"'])):
        return Py(f"{context.use('base64_of')}({values[0]})", Kind.STR)
    return None


def _data_only(node: Node, values: list[Py]) -> None:
    """Refuse arguments that are more than data."""
    for value in values:
        if value.kind in (Kind.RESPONSE, Kind.HEADERS, Kind.DIGEST, Kind.PATTERN, Kind.ERROR, Kind.DATE):
            raise Untranslatable(node, f"a {value.kind} given to a function")


def _lodash_get(context: Context, node: Node) -> Py | None:
    values = arguments(context, node)
    if len(values) not in (2, 3) or not (values[1].literal and values[1].kind is Kind.STR) or "__" in values[1].text:
        return None
    return Py(f"{context.use('get_path')}({', '.join(each.text for each in values)})")


def _digest(context: Context, node: Node, path: str) -> Py | None:
    family, _, name = path.partition(".")
    if family != "CryptoJS":
        return None
    values = arguments(context, node)
    keyed = name.startswith("Hmac")
    algorithm = name.removeprefix("Hmac").lower()
    if algorithm not in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512") or len(values) != 1 + keyed:
        raise Untranslatable(node, f"{path} is not translated")
    function = context.use("hmac_digest" if keyed else "digest")
    texts = [_digestible(context, value, node) for value in values]
    return Py(f'{function}("{algorithm}", {", ".join(texts)})', Kind.DIGEST)


def _digestible(context: Context, value: Py, node: Node) -> str:
    if value.kind in (Kind.STR, Kind.DIGEST, Kind.ANY):
        return value.text
    raise Untranslatable(node, "CryptoJS on what is no text")


@expresses("new_expression")
def _new(context: Context, node: Node) -> Py:
    name = source(field(node, "constructor"))
    values = [context.expression(each) for each in children(field(node, "arguments"))] if maybe(node, "arguments") else []
    if context.find(name) is None and name == "Date" and len(values) <= 1:
        if values and values[0].kind not in (Kind.INT, Kind.NUM, Kind.DATE):
            raise Untranslatable(node, "a date found in a text")
        return Py(f"{context.use('Date')}({', '.join(each.text for each in values)})", Kind.DATE)
    if context.find(name) is None and name in ("Error", "TypeError", "RangeError") and len(values) == 1:
        given = [as_text(context, values[0], node).text, *([] if name == "Error" else [f'"{name}"'])]
        return Py(f"{context.use('JsError')}({', '.join(given)})", Kind.ERROR)
    raise Untranslatable(node, f"new {name}")


# ------------------------------------------------------------------------------------------------------ members and methods


@expresses("member_expression", "subscript_expression")
def _member(context: Context, node: Node) -> Py:
    path = path_of(context, node)
    if path and (found := postman.value(context, node, path)):
        return found
    if path == "Number.MAX_SAFE_INTEGER":
        return Py("9007199254740991", Kind.NUM, literal=True)
    optional = maybe(node, "optional_chain") is not None
    name = source(field(node, "property")) if node.type == "member_expression" else None
    if name and (found := postman.member(context, field(node, "object"), name)):
        return found
    owner, key = owner_and_key(context, node)
    if name == "length" and owner.kind is Kind.LIST:
        return Py(f"len({owner.text})", Kind.INT)
    if _continues_optional(node) and not optional:
        raise Untranslatable(node, "a chain that goes on after `?.`")
    kind = Kind.INT if name == "length" and owner.kind is Kind.STR else Kind.ANY
    return Py(f"{context.use('maybe' if optional else 'get')}({owner.text}, {key.text})", kind)


def _continues_optional(node: Node) -> bool:
    """Whether what a member is taken of is a chain with `?.`, which would end the whole chain."""
    owner = field(node, "object")
    while owner.type in ("member_expression", "subscript_expression", "call_expression"):
        if maybe(owner, "optional_chain") is not None:
            return True
        owner = field(owner, "function") if owner.type == "call_expression" else field(owner, "object")
    return False


def _method(context: Context, node: Node, function: Node) -> Py:
    name = source(field(function, "property"))
    if maybe(function, "optional_chain") is not None or _continues_optional(function):
        raise Untranslatable(node, "a method called with `?.`")
    receiver = field(function, "object")
    if found := postman.method(context, node, receiver, name) or _buffer(context, node, receiver, name):
        return found
    owner = context.expression(receiver)
    if owner.kind is Kind.DIGEST:
        return _digest_method(context, node, owner, name)
    values = arguments(context, node)
    if owner.kind is Kind.PATTERN and name in ("test", "exec") and len(values) == 1 and "g" not in owner.text.rpartition(",")[2]:
        return Py(f"{owner.at(ATOM)}.{name}({values[0].text})", Kind.BOOL if name == "test" else Kind.ANY)
    if owner.kind is Kind.DATE:
        return _date_method(node, owner, name)
    native = _NATIVE.get((owner.kind, name))
    if native and (written := native(owner, values)):
        return written
    if name not in METHODS or owner.kind not in (Kind.ANY, Kind.STR, Kind.LIST, Kind.DICT, Kind.INT, Kind.NUM):
        raise Untranslatable(node, f"the method {name} of a {owner.kind}")
    _data_only(node, [value for value in values if value.kind is not Kind.PATTERN])
    _functions_only_where_called(node, name, values)
    given = "".join(f", {value.text}" for value in values)
    if name == "hasOwnProperty":
        return Py(f"{context.use('has_own')}({owner.text}{given})", Kind.BOOL)
    return Py(f'{context.use("call")}({owner.text}, "{name}"{given})', _result(owner.kind, name))


_CALLBACKS = frozenset({"every", "filter", "find", "findIndex", "forEach", "map", "reduce", "some", "sort", "replace"})


def _functions_only_where_called(node: Node, name: str, values: list[Py]) -> None:
    if any(value.kind is Kind.FUNCTION for value in values) and name not in _CALLBACKS:
        raise Untranslatable(node, f"a function given to {name}")
    if name in _CALLBACKS - {"sort", "replace"} and (
        not values or values[0].kind not in (Kind.FUNCTION, Kind.ANY) or len(values) > 2
    ):
        raise Untranslatable(node, f"{name} without a function")
    if name in _CALLBACKS - {"sort", "replace", "reduce"} and len(values) > 1:
        raise Untranslatable(node, f"{name} with a `this`")


def _result(owner: Kind, name: str) -> Kind:
    if name in TRUTH_RESULTS:
        return Kind.BOOL
    if name in INT_RESULTS:
        return Kind.INT
    if name in ("join", "toFixed") or (name in TEXT_RESULTS and owner in (Kind.STR, Kind.INT, Kind.NUM)):
        return Kind.STR
    if name in LIST_RESULTS and (owner is Kind.LIST or name in ("filter", "map", "split")):
        return Kind.LIST
    return Kind.ANY


def _digest_method(context: Context, node: Node, owner: Py, name: str) -> Py:
    given = [source(each) for each in argument_nodes(node)]
    if name == "toString" and given in ([], ["CryptoJS.enc.Hex"]):
        return as_text(context, owner, node)
    if name == "toString" and given == ["CryptoJS.enc.Base64"]:
        return Py(f"{owner.at(ATOM)}.base64()", Kind.STR)
    raise Untranslatable(node, f"{name} of a digest")


def _date_method(node: Node, owner: Py, name: str) -> Py:
    from runner.codegen.support.dates import Date

    if argument_nodes(node) or name.startswith("_") or not hasattr(Date, name):
        raise Untranslatable(node, f"the method {name} of a date")
    return Py(f"{owner.at(ATOM)}.{name}()", Kind.STR if name in ("toISOString", "toJSON") else Kind.NUM)


def _contains(owner: Py, values: list[Py]) -> Py | None:
    if len(values) == 1 and values[0].kind is Kind.STR:
        return comparison(values[0], "in", owner)
    return None


def _text_method(name: str) -> Callable[[Py, list[Py]], Py | None]:
    def write(owner: Py, values: list[Py]) -> Py | None:
        given = [value.text for value in values if value.kind is Kind.STR and value.text != '""']
        wanted = 0 if name in ("lower", "upper") else 1
        if len(values) != wanted or len(given) != wanted or (name == "split" and not values[0].literal):
            return None
        kind = Kind.BOOL if name in ("startswith", "endswith") else Kind.LIST if name == "split" else Kind.STR
        return Py(f"{owner.at(ATOM)}.{name}({', '.join(given)})", kind)

    return write


_NATIVE: dict[tuple[Kind, str], Callable[[Py, list[Py]], Py | None]] = {
    (Kind.STR, "includes"): _contains,
    (Kind.STR, "has"): _contains,
    (Kind.STR, "startsWith"): _text_method("startswith"),
    (Kind.STR, "endsWith"): _text_method("endswith"),
    (Kind.STR, "toLowerCase"): _text_method("lower"),
    (Kind.STR, "toUpperCase"): _text_method("upper"),
    (Kind.STR, "split"): _text_method("split"),
}


@expresses("identifier")
def _identifier(context: Context, node: Node) -> Py:
    name = source(node)
    variable = context.find(name)
    if variable is not None:
        if variable.implicit and not context.within(variable.frame):
            raise Untranslatable(node, f"{name}, which a function assigns without declaring it")
        return Py(variable.name, variable.kind, plain=True)
    if name == "undefined":
        return undefined(context)
    if name in ("NaN", "Infinity"):
        return Py('float("nan")' if name == "NaN" else 'float("inf")', Kind.NUM)
    if found := postman.value(context, node, name):
        return found
    raise Untranslatable(node, f"{name} is not declared in this script")


@expresses("shorthand_property_identifier")
def _shorthand(context: Context, node: Node) -> Py:
    return _identifier(context, node)
