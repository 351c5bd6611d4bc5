"""What differs between a request of the runner and one that arrived, and whether it means the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import parse_qsl, unquote

from runner.codegen.checking.recorder import Received
from runner.model import Prepared
from runner.transport.message import locate

_OWN_AFFAIR = frozenset("user-agent accept cache-control postman-token accept-encoding connection".split())
_FOLLOWS = frozenset({"content-length", "transfer-encoding", "host"})
_USUAL = {"accept": "*/*", "connection": "keep-alive"}
_BOUNDARY = re.compile(r'boundary="?([^\s;"]+)"?')
_WORDS = re.compile(r"\w+|\W")
_SIGNATURES = ("oauth_", "X-Amz-")
_DISPOSITION = re.compile(r'(?:^|[;\s])(name|filename)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that is not the same; `same_meaning` says that a server that reads it gets the same."""

    text: str
    same_meaning: bool = False


def differences(
    expected: Prepared, got: Received, *, signed: bool = False, again: Prepared | None = None
) -> Iterator[Difference]:
    """What differs, nothing if nothing does; with `signed`, signatures are new each time and only have to be there.

    `again` is the same request made once more: where the two differ it has something new each time, such as an id.
    """
    again = again or expected
    address = locate(expected.url)
    if expected.method != got.method:
        yield Difference(text=f"the method is {got.method} instead of {expected.method}")
    host = next((value for name, value in got.headers if name.lower() == "host"), "")
    wanted = expected.header("host") or address.host_header
    if host.lower() not in (wanted.lower(), address.host_header.lower()):
        yield Difference(text=f"the host is {host} instead of {wanted}")
    if (address.scheme == "https") is not (got.name is not None) and not re.fullmatch(r"[\d.]+|.*:.*", address.host):
        yield Difference(text=f"the scheme is not {address.scheme}")
    if address.target != got.target:
        ours, theirs = _decoded(address.target, signed), _decoded(got.target, signed)
        if (not signed or ours != theirs) and not _is_anew(address.target, locate(again.url).target, got.target):
            text = f"the target is {got.target} instead of {address.target}"
            yield Difference(text=text, same_meaning=ours == theirs)
    yield from _headers(expected, got, signed, again)
    yield from _bodies(expected, got, signed, again)


def _is_anew(first: str, second: str, found: str) -> bool:
    """Whether a text is like two others but for the words in which these differ from each other."""
    if first == second:
        return False
    ours, others = _WORDS.findall(first), _WORDS.findall(second)
    pattern = "".join(
        re.escape("".join(ours[start:end])) if kind == "equal" else r"\w*"
        for kind, start, end, _, _ in SequenceMatcher(None, ours, others, autojunk=False).get_opcodes()
    )
    return re.fullmatch(pattern, found) is not None


def _decoded(target: str, signed: bool) -> tuple[str, list[tuple[str, str]]]:
    """What a target means, without the signature in it."""
    path, _, query = target.partition("?")
    return unquote(path), _pairs(query.replace("+", "%20"), signed)


def _pairs(text: str, signed: bool) -> list[tuple[str, str]]:
    """The pairs of a query or a form, without a signature."""
    pairs = parse_qsl(text, keep_blank_values=True)
    return [pair for pair in pairs if not (signed and pair[0].startswith(_SIGNATURES))]


def _headers(expected: Prepared, got: Received, signed: bool, again: Prepared) -> Iterator[Difference]:
    left_out = _FOLLOWS | (_OWN_AFFAIR & expected.system_headers)
    ours, theirs, others = (_grouped(each.headers, left_out) for each in (expected, got, again))
    for name in sorted({*ours, *theirs}):
        wanted, found = ours.get(name), theirs.get(name)
        if wanted == found or (wanted is None and _is_usual(name, found)):
            continue
        if signed and found and _is_signature(name, wanted, found):
            continue
        if _is_anew(*("\n".join(values or ()) for values in (wanted, others.get(name), found))):
            continue
        harmless = wanted is None and name == "content-type" and not got.body
        yield Difference(text=_told(name, wanted, found), same_meaning=harmless)


def _is_signature(name: str, wanted: list[str] | None, found: list[str]) -> bool:
    """Whether a header is a signature of the kind that is wanted; one that answers a challenge is not there at first."""
    if name.startswith("x-amz-"):
        return wanted is not None
    return name == "authorization" and (wanted is None or wanted[0].split()[0] == found[0].split()[0])


def _is_usual(name: str, found: list[str] | None) -> bool:
    """Whether a library adds this of its own accord, and no server minds."""
    return name in ("user-agent", "accept-encoding", "cookie2") or found == [_USUAL.get(name)]


def _told(name: str, wanted: list[str] | None, found: list[str] | None) -> str:
    if found is None:
        return f"the header {name} is missing ({', '.join(wanted or [])})"
    if wanted is None:
        return f"there is a header {name}: {', '.join(found)}"
    return f"the header {name} is {' | '.join(found)} instead of {' | '.join(wanted)}"


def _grouped(headers: tuple[tuple[str, str], ...], left_out: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower() not in left_out:
            found.setdefault(name.lower(), []).append(_BOUNDARY.sub("boundary=…", value.strip(" \t")))
    return found


# ------------------------------------------------------------------------------------------------------------------ bodies


def _bodies(expected: Prepared, got: Received, signed: bool, again: Prepared) -> Iterator[Difference]:
    ours, theirs = expected.body or b"", got.body
    if ours == theirs:
        return
    kind = expected.header("content-type") or ""
    if kind.startswith("multipart/"):
        yield from _multiparts(_parts(ours, kind), _parts(theirs, _type_of(got)))
    elif _is_anew(*(body.decode("latin-1") for body in (ours, again.body or b"", theirs))):
        return
    elif _json(ours) is not None and (_json(ours) == _json(theirs) or _is_anew(*map(_canonical, (ours, again.body, theirs)))):
        yield Difference(text="the JSON is written in another way", same_meaning=True)
    elif "urlencoded" in kind and _pairs(ours.decode("latin-1"), signed) == _pairs(theirs.decode("latin-1"), signed):
        if not signed:
            yield Difference(text="the form is encoded in another way", same_meaning=True)
    else:
        yield Difference(text=f"the body is {_excerpt(theirs)} instead of {_excerpt(ours)}")


def _type_of(got: Received) -> str:
    return next((value for name, value in got.headers if name.lower() == "content-type"), "")


def _json(body: bytes) -> Any:
    """A JSON value in which every number is its text and repeated keys are kept; None if it is no JSON."""

    def pairs(found: list[tuple[str, Any]]) -> Any:
        return "object", sorted(found, key=lambda pair: pair[0])

    try:
        return [json.loads(body, parse_int=str, parse_float=str, object_pairs_hook=pairs)]
    except ValueError:
        return None


def _canonical(body: bytes | None) -> str:
    return json.dumps(_json(body or b""))


def _excerpt(body: bytes) -> str:
    return repr(body[:80]) + ("…" if len(body) > 80 else "")


@dataclass(frozen=True, slots=True)
class _Part:
    names: tuple[tuple[str, str], ...]
    type: str
    data: bytes


def _parts(body: bytes, kind: str) -> list[_Part]:
    found = _BOUNDARY.search(kind)
    pieces = body.split(b"--" + found[1].encode("latin-1"))[1:-1] if found else []
    return [_part(piece.removeprefix(b"\r\n").removesuffix(b"\r\n")) for piece in pieces]


def _part(piece: bytes) -> _Part:
    head, _, data = piece.partition(b"\r\n\r\n")
    lines = [line.partition(":") for line in head.decode("utf-8", "replace").split("\r\n")]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    names = _DISPOSITION.findall(headers.get("content-disposition", ""))
    return _Part(tuple(sorted(names)), headers.get("content-type", ""), data)


def _multiparts(ours: list[_Part], theirs: list[_Part]) -> Iterator[Difference]:
    if [(part.names, part.data) for part in ours] != [(part.names, part.data) for part in theirs]:
        yield Difference(text="the parts of the form differ")
        return
    for wanted, found in zip(ours, theirs, strict=True):
        if wanted.type != found.type:
            name = dict(wanted.names).get("name", "")
            usual = not wanted.type and found.type.startswith("text/plain")
            text = f"the part {name} is {found.type or 'without a type'} instead of {wanted.type or 'without one'}"
            yield Difference(text=text, same_meaning=usual)
