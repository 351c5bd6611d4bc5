"""`pm.expect(…)` and `pm.response.to…` as assert statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import field as default

from runner.codegen.scripts.binding import bind
from runner.codegen.scripts.context import Context
from runner.codegen.scripts.operators import compare, equal, negated, truth
from runner.codegen.scripts.paths import path_of
from runner.codegen.scripts.python import ATOM, FALSE, NONE, NUMBERS, TRUE, UNDEFINED, Kind, Py, comparison
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, maybe, source

_WORDS = frozenset("to be been is that which and has have with at of same but does still also".split())
_FLAGS = {"not": "not", "deep": "deep", "any": "any", "all": "all"} | dict.fromkeys(
    ("include", "includes", "contain", "contains"), "contains"
)


@dataclass
class Chain:
    """One expectation while it is read: the value it is about, and the flags that are up."""

    context: Context
    node: Node
    subject: Py
    flags: set[str] = default(default_factory=set)

    @property
    def negate(self) -> bool:
        return "not" in self.flags

    def check(self, test: Py) -> None:
        """Write one assertion."""
        self.context.write(f"assert {(negated(test) if self.negate else test).text}")

    def always(self, test: Py) -> None:
        """Write an assertion that `not` does not turn."""
        self.context.write(f"assert {test.text}")

    def asks(self, name: str, *arguments: Py) -> Py:
        """A question of the support module about the subject."""
        given = ", ".join(each.text for each in (self.subject, *arguments))
        return Py(f"{self.context.use(name)}({given})", Kind.BOOL)

    def hold(self, wanted: str) -> None:
        """Give the subject a name, so that it is looked at once."""
        if not self.subject.plain:
            name = self.context.fresh(wanted, self.subject.kind)
            bind(self.context, name, self.subject)
            self.subject = replace(self.subject, text=name, plain=True, level=ATOM)

    def refuse(self, reason: str) -> Untranslatable:
        """What to raise where the expectation has no certain counterpart."""
        return Untranslatable(self.node, reason)


Link = tuple[str, Node | None]


def is_chain(context: Context, node: Node) -> bool:
    """Whether an expression is an expectation."""
    return _links(context, node) is not None


def _links(context: Context, node: Node) -> tuple[Node, list[Link]] | None:
    """What an expectation is about, and the words and calls after it; None if it is none."""
    links: list[Link] = []
    while True:
        path = path_of(context, node)
        if path in ("pm.response.to", "pm.request.to"):
            return node, links[::-1]
        if node.type == "call_expression":
            function = field(node, "function")
            if path_of(context, function) == "pm.expect":
                return node, links[::-1]
            if function.type != "member_expression":
                return None
            links.append((source(field(function, "property")), node))
            node = field(function, "object")
        elif node.type == "member_expression" and maybe(node, "optional_chain") is None:
            links.append((source(field(node, "property")), None))
            node = field(node, "object")
        else:
            return None


def assertions(context: Context, node: Node) -> None:
    """Write what an expectation asserts.

    Raises:
        Untranslatable: a word of it is not known, or its meaning here is not certain.
    """
    found = _links(context, node)
    assert found is not None  # noqa: S101
    base, links = found
    chain = Chain(context, node, _subject(context, base))
    if sum(call is not None or name not in _WORDS | _FLAGS.keys() for name, call in links) > 1:
        chain.hold("value")
    for place, (name, call) in enumerate(links):
        if call is None and name in _WORDS:
            continue
        if call is None and name in _FLAGS:
            chain.flags.add(_FLAGS[name])
            continue
        if chain.negate and name == "property" and place < len(links) - 1:
            raise chain.refuse("an expectation that goes on after `not`")
        _assert(chain, name, call)


def _subject(context: Context, base: Node) -> Py:
    path = path_of(context, base)
    if path == "pm.request.to":
        return Py("pm.request", Kind.ANY, plain=True)
    if path == "pm.response.to":
        return context.expression(field(base, "object"))
    given = children(field(base, "arguments"))
    if not 1 <= len(given) <= 2:
        raise Untranslatable(base, "pm.expect without a value")
    value = context.expression(given[0])
    if value.kind in (Kind.FUNCTION, Kind.HEADERS, Kind.ERROR, Kind.DATE, Kind.PATTERN, Kind.DIGEST):
        raise Untranslatable(base, f"an expectation about a {value.kind}")
    return value


def _assert(chain: Chain, name: str, call: Node | None) -> None:
    values = [] if call is None else [chain.context.expression(each) for each in children(field(call, "arguments"))]
    for each in values:
        if each.kind in (Kind.FUNCTION, Kind.RESPONSE, Kind.HEADERS, Kind.ERROR, Kind.DATE, Kind.DIGEST):
            raise chain.refuse(f"{name} with a {each.kind}")
    if chain.subject.text == "pm.request":
        _REQUEST.get((name, call is not None), _unknown)(chain, values)
        return
    if chain.subject.kind is Kind.RESPONSE:
        _RESPONSE.get((name, call is not None), _unknown)(chain, values)
        return
    written = _PLAIN.get((name, call is not None))
    if written is None:
        raise chain.refuse(f"the expectation `{name}`")
    written(chain, values)


def _unknown(chain: Chain, values: list[Py]) -> None:
    raise chain.refuse("an expectation about the response or request that is not known")


def _one(chain: Chain, values: list[Py], most: int = 2) -> Py:
    """The argument; a message after it changes nothing."""
    if not 1 <= len(values) <= most:
        raise chain.refuse("an expectation without its argument")
    return values[0]


# ------------------------------------------------------------------------------------------------------------- any value


def _equal(chain: Chain, values: list[Py]) -> None:
    if "deep" in chain.flags:
        _eql(chain, values)
    else:
        chain.check(equal(chain.context, chain.subject, _one(chain, values), strict=True, node=chain.node))


def _eql(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values)
    if wanted.kind in (Kind.STR, Kind.INT, Kind.BOOL, Kind.NULL, Kind.UNDEFINED) and wanted.literal and wanted.text != "0":
        chain.check(equal(chain.context, chain.subject, wanted, strict=True, node=chain.node))
    else:
        chain.check(chain.asks("deep_equal", wanted))


def _ok(chain: Chain, values: list[Py]) -> None:
    chain.check(truth(chain.context, chain.subject, chain.node))


_CONSTANTS = {each.text: each for each in (TRUE, FALSE, NONE, UNDEFINED)}


def _is(word: str) -> Callable[[Chain, list[Py]], None]:
    def write(chain: Chain, values: list[Py]) -> None:
        chain.check(equal(chain.context, chain.subject, _CONSTANTS[word], strict=True, node=chain.node))

    return write


def _question(name: str) -> Callable[[Chain, list[Py]], None]:
    def write(chain: Chain, values: list[Py]) -> None:
        chain.check(chain.asks(name))

    return write


def _exist(chain: Chain, values: list[Py]) -> None:
    test = Py(f"{chain.context.use('nullish')}({chain.subject.text})", Kind.BOOL)
    chain.check(negated(test))


def _include(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values)
    if chain.subject.kind is Kind.STR and wanted.kind is Kind.STR:
        chain.check(comparison(wanted, "in", chain.subject))
        return
    if {"any", "all"} & chain.flags:
        raise chain.refuse("include with any or all")
    chain.check(chain.asks("includes_deep" if "deep" in chain.flags else "includes", wanted))


def _type(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values)
    if wanted.kind is not Kind.STR or not wanted.literal:
        raise chain.refuse("a type that is not named")
    name = chain.context.use("type_of")
    chain.check(comparison(Py(f"{name}({chain.subject.text})"), "==", Py(wanted.text.lower())))


def _property(chain: Chain, values: list[Py]) -> None:
    key = _one(chain, values, 3)
    if {"any", "all"} & chain.flags or key.kind not in (Kind.STR, Kind.ANY):
        raise chain.refuse("a property with any or all, or one that is not named")
    chain.hold("value")
    get = Py(f"{chain.context.use('get')}({chain.subject.text}, {key.text})")
    has = chain.asks("has_property", key)
    if len(values) == 1:
        chain.check(has)
    else:
        same = (
            chain.asks("property_equals", *values[:2])
            if "deep" not in chain.flags
            else chain.asks("property_deep_equals", *values[:2])
        )
        chain.check(same)
    chain.subject = get


def _length(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values)
    if chain.subject.kind is Kind.LIST and wanted.kind is Kind.INT:
        chain.check(comparison(Py(f"len({chain.subject.text})"), "==", wanted))
        return
    chain.check(chain.asks("has_length", wanted))


def _ordered(name: str, operator: str) -> Callable[[Chain, list[Py]], None]:
    def write(chain: Chain, values: list[Py]) -> None:
        wanted = _one(chain, values)
        if chain.subject.kind in NUMBERS and wanted.kind in NUMBERS:
            chain.check(compare(chain.context, operator, chain.subject, wanted))
        else:
            chain.check(chain.asks(name, wanted))

    return write


def _within(chain: Chain, values: list[Py]) -> None:
    if len(values) not in (2, 3):
        raise chain.refuse("within without two bounds")
    chain.check(chain.asks("within", *values[:2]))


def _close(chain: Chain, values: list[Py]) -> None:
    if len(values) not in (2, 3):
        raise chain.refuse("closeTo without a distance")
    chain.check(chain.asks("close_to", *values[:2]))


def _match(chain: Chain, values: list[Py]) -> None:
    pattern = _one(chain, values)
    if pattern.kind is not Kind.PATTERN:
        raise chain.refuse("a match with what is no pattern")
    chain.check(Py(f"{pattern.text}.test({chain.subject.text})", Kind.BOOL))


def _one_of(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values)
    if "contains" in chain.flags or wanted.kind is not Kind.LIST:
        raise chain.refuse("oneOf without a list")
    chain.check(chain.asks("one_of_deep" if "deep" in chain.flags else "one_of", wanted))


def _members(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values)
    if "contains" in chain.flags:
        raise chain.refuse("include with members")
    chain.check(chain.asks("same_members_deep" if "deep" in chain.flags else "same_members", wanted))


def _keys(chain: Chain, values: list[Py]) -> None:
    if (
        not values
        or any(value.kind not in (Kind.STR, Kind.LIST) for value in values)
        or (len(values) > 1 and values[0].kind is Kind.LIST)
    ):
        raise chain.refuse("keys that are not named")
    wanted = values[0] if values[0].kind is Kind.LIST else Py(f"[{', '.join(value.text for value in values)}]", Kind.LIST)
    every = "contains_keys" if "contains" in chain.flags else "has_keys"
    chain.check(chain.asks("has_any_key" if "any" in chain.flags else every, wanted))


def _string(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values)
    if wanted.kind is not Kind.STR:
        raise chain.refuse("`string` without a text")
    chain.check(chain.asks("has_text", wanted))


_PLAIN: dict[tuple[str, bool], Callable[[Chain, list[Py]], None]] = {
    **{(name, True): _equal for name in ("equal", "equals", "eq")},
    **{(name, True): _eql for name in ("eql", "eqls")},
    **{(name, True): _include for name in ("include", "includes", "contain", "contains")},
    **{(name, True): _type for name in ("a", "an")},
    **{(name, True): _length for name in ("lengthOf", "length")},
    **{(name, True): _ordered("above", ">") for name in ("above", "gt", "greaterThan")},
    **{(name, True): _ordered("at_least", ">=") for name in ("least", "gte", "greaterThanOrEqual")},
    **{(name, True): _ordered("below", "<") for name in ("below", "lt", "lessThan")},
    **{(name, True): _ordered("at_most", "<=") for name in ("most", "lte", "lessThanOrEqual")},
    **{(name, True): _match for name in ("match", "matches")},
    **{(name, True): _close for name in ("closeTo", "approximately")},
    **{(name, True): _keys for name in ("keys", "key")},
    ("property", True): _property,
    ("within", True): _within,
    ("oneOf", True): _one_of,
    ("members", True): _members,
    ("string", True): _string,
    ("ok", False): _ok,
    ("true", False): _is("True"),
    ("false", False): _is("False"),
    ("null", False): _is("None"),
    ("undefined", False): _is("undefined"),
    ("NaN", False): _question("is_not_a_number"),
    ("exist", False): _exist,
    ("exists", False): _exist,
    ("empty", False): _question("empty"),
}


# ---------------------------------------------------------------------------------------------------- responses and requests


def _status(chain: Chain, values: list[Py]) -> None:
    wanted = _one(chain, values, 1)
    part = "status" if wanted.kind is Kind.STR else "code"
    if wanted.kind not in (Kind.STR, Kind.INT) or not wanted.literal:
        raise chain.refuse("a status that is not written down")
    chain.check(comparison(Py(f"{chain.subject.text}.{part}"), "==", wanted))


def _header(chain: Chain, values: list[Py]) -> None:
    if any(value.kind is not Kind.STR for value in values) or len(values) not in (1, 2):
        raise chain.refuse("a header that is not named")
    headers = f"{chain.subject.text}.headers"
    if len(values) == 1:
        chain.check(Py(f"{headers}.has({values[0].text})", Kind.BOOL))
        return
    if chain.negate:
        raise chain.refuse("`not` with a header and its value")
    chain.check(Py(f"{headers}.has({values[0].text})", Kind.BOOL))
    chain.check(comparison(Py(f"{headers}.get({values[0].text})"), "==", values[1]))


def _json_body(chain: Chain, values: list[Py]) -> None:
    body = Py(f"{chain.subject.text}.json()", Kind.ANY)
    if chain.negate or len(values) > 2:
        raise chain.refuse("`not` with a JSON body")
    if not values or values[0].kind in (Kind.DICT, Kind.LIST):
        # Postman's own addition to chai looks at a body only if it is given a path.
        chain.always(Py(f"{chain.context.use('is_json')}({chain.subject.text})", Kind.BOOL))
    elif values[0].kind is Kind.STR and values[0].literal:
        name = chain.context.use("has_path" if len(values) == 1 else "path_equals")
        chain.always(Py(f"{name}({', '.join(each.text for each in (body, *values))})", Kind.BOOL))
    else:
        raise chain.refuse("a JSON body compared in another way")


def _body(chain: Chain, values: list[Py]) -> None:
    if len(values) != 1 or values[0].kind not in (Kind.STR, Kind.PATTERN):
        raise chain.refuse("a body compared with what is no text")
    text = f"{chain.subject.text}.text()"
    if values[0].kind is Kind.PATTERN:
        chain.check(Py(f"{values[0].text}.test({text})", Kind.BOOL))
    else:
        chain.check(comparison(Py(text), "==", values[0]))


def _code(number: int) -> Callable[[Chain, list[Py]], None]:
    def write(chain: Chain, values: list[Py]) -> None:
        chain.check(comparison(Py(f"{chain.subject.text}.code"), "==", Py(str(number))))

    return write


def _class(number: int) -> Callable[[Chain, list[Py]], None]:
    def write(chain: Chain, values: list[Py]) -> None:
        name = chain.context.use("status_class")
        chain.check(comparison(Py(f"{name}({chain.subject.text}.code)"), "==", Py(str(number))))

    return write


_RESPONSE: dict[tuple[str, bool], Callable[[Chain, list[Py]], None]] = {
    ("status", True): _status,
    ("statusCode", True): _status,
    ("statusReason", True): _status,
    ("header", True): _header,
    ("jsonBody", True): _json_body,
    ("body", True): _body,
    ("ok", False): _code(200),
    ("accepted", False): _code(202),
    ("badRequest", False): _code(400),
    ("unauthorized", False): _code(401),
    ("forbidden", False): _code(403),
    ("notFound", False): _code(404),
    ("notAcceptable", False): _code(406),
    ("rateLimited", False): _code(429),
    ("info", False): _class(1),
    ("success", False): _class(2),
    ("redirection", False): _class(3),
    ("clientError", False): _class(4),
    ("serverError", False): _class(5),
}
_REQUEST: dict[tuple[str, bool], Callable[[Chain, list[Py]], None]] = {("header", True): _header}
