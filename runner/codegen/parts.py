"""Parts of a request as Python expressions, for all libraries that take them in much the same way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from runner.auth.ntlm import account
from runner.codegen.code import Frame
from runner.codegen.description import Auth, Body, Description, FormBody, JsonBody, MultipartBody, Part, Rules, Text, TextBody
from runner.codegen.holes import filled
from runner.codegen.remarks import Kind
from runner.codegen.writer import Bracket, Code, Entry, Expression, Tail, Template, call, literal, mapping, pair, sequence, string

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PAYLOAD = Code("payload")
_ITEM, _PAIR, _TEXT_PART = "{name}: {value},", "({name}, {value}),", "({name}, (None, {value})),"
_BOUNDARY = "form-7f3a9c51e2d84b06"
_IN_QUOTES = str.maketrans({"\n": "%0A", "\r": "%0D", '"': "%22"})
USUAL_LIMIT = 10
"""Redirects that Postman follows where nothing else is said; code does not repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A body as an argument: `keyword=argument`; `value`, if any, is assigned to `payload` first.

    `adds` is the Content-Type that the library sends with it by itself.
    """

    keyword: str
    argument: Expression = PAYLOAD
    value: Expression | None = None
    adds: str | None = None


def exact_url(description: Description) -> str:
    """The URL that the runner sends, holes filled."""
    return filled(description.address.exact, description.values)


def assignments(frame: Frame, piece: Piece | None, *, whole_url: bool = False, pairs: str = "[]") -> dict[str, Expression]:
    """What is assigned before the call: URL, parameters and body; `pairs` are the brackets around pairs of parameters."""
    address = frame.description.address
    split = address.params is not None and not whole_url
    assigned: dict[str, Expression] = {"url": frame.text(address.base if split else address.exact)}
    if split and address.params is not None:
        assigned["params"] = pairs_of(frame, address.params, "query", pairs)
    if piece and piece.value and frame.payload == "assigned":
        assigned["payload"] = piece.value
    return assigned


def lines_of(assigned: Mapping[str, Expression], signing: Sequence[tuple[str, Expression]]) -> list[tuple[str, Expression]]:
    """Assignments as lines, what signs the request before the headers."""
    lines = [(f"{name} = ", value) for name, value in assigned.items() if name != "headers"]
    return [*lines, *signing, *(("headers = ", assigned[name]) for name in ("headers",) if name in assigned)]


def arguments_for(frame: Frame, assigned: Mapping[str, Expression], piece: Piece | None) -> list[Entry]:
    """Parameters, headers and body as arguments of a call."""
    found = [Entry(Code(name), head=f"{name}=") for name in ("params", "headers") if name in assigned]
    if piece is None:
        return found
    inline = frame.payload == "inline" and piece.value is not None
    return [*found, Entry(piece.value if inline and piece.value else piece.argument, head=f"{piece.keyword}=")]


def call_of(owner: str, method: str, arguments: Sequence[Entry], short: Collection[str] = ()) -> Bracket:
    """`owner.get(…)` for the methods that the library has a function for, else `owner.request("GET", …)`, or a class's call."""
    if method in short:
        return Bracket(f"{owner}.{method.lower()}(", tuple(arguments), ")")
    function = owner if owner.endswith("Request") else f"{owner}.request"
    return Bracket(f"{function}(", (Entry(literal(method)), *arguments), ")")


def seconds(rules: Rules) -> str:
    """The timeout as a literal, in seconds."""
    return "None" if rules.timeout is None else f"{rules.timeout:g}"


def user_and_password(frame: Frame, *, encode: bool = True) -> Bracket:
    """The parameters of basic and digest auth as a pair; with `encode`, what is not ASCII as UTF-8, as Postman has it."""
    auth = frame.description.auth or Auth(type="")
    return sequence((_credential(frame, auth.text(name), encode) for name in ("username", "password")), "()")


def domain_and_password(frame: Frame) -> tuple[Entry, ...]:
    """User and password of NTLM; a domain stands before the user."""
    auth = frame.description.auth or Auth(type="")
    if auth.text("workstation").parts:
        frame.note("auth", "the workstation that the collection names is not sent, but this machine's own name")
    user, domain = auth.text("username"), auth.text("domain")
    if user.plain is not None and not domain.parts:
        user, domain = (Text.of(part) for part in account(user.plain, ""))
    user = domain + Text.of("\\") + user if domain.parts else user
    return Entry(frame.text(user)), Entry(frame.text(auth.text("password")))


def _credential(frame: Frame, text: Text, encode: bool) -> Expression:
    found = frame.text(text)
    now = filled(text, frame.description.values)
    return found if now.isascii() or not encode else Code(f"{found.flat}.encode()")


def pairs_of(frame: Frame, pairs: Iterable[tuple[Text, Text]], kind: Kind, brackets: str = "[]") -> Expression:
    """Parameters or fields as a dict, or as a list (by `brackets` a tuple) of pairs where a key comes twice."""
    made = [(frame.text(key), frame.remarked(kind, key.plain, frame.text(value))) for key, value in pairs]
    twice = len({key.flat for key, _ in made}) < len(made)
    shown = (
        sequence((pair(*each) for each in made), brackets, open_always=True)
        if twice
        else mapping(made, open_always=len(made) > 1)
    )
    return replace(shown, notes=notes_of(frame, kind, form=_PAIR if twice else _ITEM))


def notes_of(frame: Frame, kind: Kind, *, form: str = _ITEM) -> tuple[str | Code, ...]:
    """What is switched off, as lines of a form that only have to be no comments to be switched on."""
    notes: list[str | Code] = []
    for off in frame.description.remarks.off.get(kind, ()):
        notes += [off.about] if off.about else []
        notes.append(Code(form.format(name=string(off.name), value=off.value)))
    return tuple(notes)


def headers_of(frame: Frame, left_out: Callable[[str, str | None], bool]) -> list[tuple[str, Expression]]:
    """The headers, without those that the library sends by itself: `left_out` is told name (lower case) and value, if plain."""
    headers = frame.description.headers
    kept = [(name, value) for name, value in headers if not left_out(name.lower(), value.plain)]
    return [(name, frame.remarked("header", name, frame.text(value))) for name, value in kept]


def by_itself(adds: str | None, name: str, value: str | None) -> bool:
    """Whether a library sends this header anyway, where it `adds` that Content-Type to the body."""
    if name == "content-type":
        return value is not None and value == adds
    return (name, value) in (("accept", "*/*"), ("connection", "keep-alive"))


def as_bytes(expression: Expression) -> Expression:
    """A text as bytes: of ASCII a literal, else encoded when it runs."""
    if isinstance(expression, Template) and all(isinstance(part, str) and part.isascii() for part in expression.parts):
        return Template(expression.parts, "b")
    return Tail(expression, ".encode()")


def header_mapping(frame: Frame, headers: Iterable[tuple[str, Expression]]) -> Bracket:
    """Headers as a dict."""
    pairs = [(literal(name), value) for name, value in headers]
    return replace(mapping(pairs, open_always=len(pairs) > 1), notes=notes_of(frame, "header"))


def header_list(frame: Frame, headers: Sequence[tuple[str, Expression]]) -> Bracket:
    """Headers as a dict, or as a list of pairs where a name comes twice."""
    return header_pairs(frame, headers) if repeated(headers) else header_mapping(frame, headers)


def header_pairs(frame: Frame, headers: Iterable[tuple[str, Expression]], *, open_always: bool = True) -> Bracket:
    """Headers as a list of pairs."""
    shown = sequence((pair(literal(name), value) for name, value in headers), open_always=open_always)
    return replace(shown, notes=notes_of(frame, "header", form=_PAIR))


def repeated(headers: Iterable[tuple[str, Expression]]) -> bool:
    """Whether a header's name comes twice."""
    names = [name.lower() for name, _ in headers]
    return len(set(names)) < len(names)


def content_type(description: Description) -> str | None:
    """The request's Content-Type, if it is set and has no holes."""
    return next((value.plain for name, value in description.headers if name.lower() == "content-type"), None)


def text_piece(frame: Frame, text: Text, keyword: str, *, encode: bool = True) -> Piece:
    """A body that is sent as the text it is; `encode` where the library would not make it UTF-8 by itself."""
    safe = text.plain is not None and text.plain.isascii()
    return Piece(keyword=keyword, argument=Code("payload" if safe or not encode else "payload.encode()"), value=frame.text(text))


def multipart_fields(frame: Frame, body: MultipartBody) -> Expression:
    """The parts as requests, httpx and urllib3 take them: name and `(file name, content, type)`, in order."""
    fields = (frame.remarked("field", part.name.plain, _field(frame, part)) for part in body.parts)
    notes = notes_of(frame, "field", form=_TEXT_PART)
    return replace(sequence(fields, open_always=True), notes=notes)


def urllib3_fields(frame: Frame, body: MultipartBody) -> Expression:
    """The same for urllib3 itself: texts stand alone, and files are read first."""
    parts = [frame.remarked("field", part.name.plain, _field(frame, part, read=True)) for part in body.parts]
    return replace(sequence(parts, open_always=True), notes=notes_of(frame, "field", form=_PAIR))


def urllib3_multipart(frame: Frame, body: MultipartBody) -> Expression:
    """The bytes of a form with the user's own boundary."""
    frame.imports.add("from urllib3 import encode_multipart_formdata")
    entries = (Entry(urllib3_fields(frame, body)), Entry(literal(body.boundary)))
    return Bracket("encode_multipart_formdata(", entries, ")[0]")


def settle_boundary(frame: Frame) -> None:
    """Give a form that only urllib3 can put together a boundary: one with a part that has an empty file name and no type."""
    body = frame.description.body
    if isinstance(body, MultipartBody) and body.boundary is None and is_by_urllib3(body):
        header = ("Content-Type", Text.of(f"multipart/form-data; boundary={_BOUNDARY}"))
        body, headers = replace(body, boundary=_BOUNDARY), (*frame.description.headers, header)
        frame.description = replace(frame.description, body=body, headers=headers)


def is_by_urllib3(body: MultipartBody) -> bool:
    """Whether only urllib3 can put a form together: aiohttp would take bytes for a file."""
    return any(_is_nameless(part) or (part.data is not None and part.file_name is None) for part in body.parts)


def _is_nameless(part: Part) -> bool:
    return part.file_name == "" and not part.content_type


def _field(frame: Frame, part: Part, *, read: bool = False) -> Expression:
    if part.path:
        content: Expression = Code(frame.open(part.path) + (".read()" if read and not frame.is_async else ""))
    else:
        content = literal(part.data) if part.data is not None else frame.text(part.value)
    kind = [literal(part.content_type)] if part.content_type else []
    if read and _is_nameless(part):
        kind = [literal("")]  # else urllib3 would guess one
    if read and part.file_name is None and not kind:
        return sequence((frame.text(part.name), content), "()")
    if read and part.file_name is None:
        return _typed_text(frame, part, content)
    return sequence((frame.text(part.name), sequence((literal(part.file_name), content, *kind), "()")), "()")


def _typed_text(frame: Frame, part: Part, content: Expression) -> Expression:
    """A text with a type for urllib3, which knows types of files only."""
    frame.imports.add("from urllib3.fields import RequestField")
    name = Text(tuple([each.translate(_IN_QUOTES) if isinstance(each, str) else each for each in part.name.parts]))
    disposition = frame.text(Text.of('form-data; name="') + name + Text.of('"'))
    headers = mapping([(literal("Content-Disposition"), disposition), (literal("Content-Type"), literal(part.content_type))])
    return call("RequestField", frame.text(part.name), content, headers=headers)


def exact_text(body: Body | None) -> Text | None:
    """The very text that the runner sends, None if the body is no text."""
    match body:
        case JsonBody(text=text) | TextBody(text=text) | FormBody(text=text):
            return text
    return None
