"""A request's own settings (protocolProfileBehavior) in generated code, as far as several libraries have them alike."""

from __future__ import annotations

from collections.abc import Iterator

from runner.behavior import TLS13_SUITE
from runner.codegen.code import Frame
from runner.codegen.description import Rules
from runner.codegen.writer import Bracket, Code, Entry, Expression, call, literal, string

Lines = tuple[tuple[str, Expression], ...]

_ORDINARY = {"user-agent": "User-Agent", "accept": "Accept", "accept-encoding": "Accept-Encoding", "connection": "Connection"}


def tls_of(frame: Frame) -> Lines:
    """Lines that make the `context` of TLS connections; none where protocols and ciphers are the usual ones."""
    made = tuple(_context(frame.description.rules)) if _is_special(frame.description.rules) else ()
    frame.imports |= {"import ssl"} if made else set()
    return made


def context_of(frame: Frame) -> Lines:
    """The same, also where only certificates are not looked at."""
    rules = frame.description.rules
    made = tuple(_context(rules)) if _is_special(rules) or not rules.verify else ()
    frame.imports |= {"import ssl"} if made else set()
    return made


def _is_special(rules: Rules) -> bool:
    return bool(rules.ciphers or {"TLSv1_2", "TLSv1_3"} & {*rules.tls_disabled})


def _context(rules: Rules) -> Iterator[tuple[str, Expression]]:
    """Older protocols than TLS 1.2 are off anyway."""
    yield "context = ", Code("ssl.create_default_context()")
    if not rules.verify:
        yield "context.check_hostname = ", Code("False")
        yield "context.verify_mode = ", Code("ssl.CERT_NONE")
    older = [name for name in rules.ciphers if not name.startswith(TLS13_SUITE)]
    if older:
        yield "", call("context.set_ciphers", literal(":".join(older)))
    if (rules.ciphers and not older) or "TLSv1_2" in rules.tls_disabled:
        yield "context.minimum_version = ", Code("ssl.TLSVersion.TLSv1_3")
    if "TLSv1_3" in rules.tls_disabled:
        yield "context.maximum_version = ", Code("ssl.TLSVersion.TLSv1_2")


def unsent(rules: Rules, *names: str) -> list[str]:
    """Of the headers that a library sends by itself (`names`, in lower case), those that the collection switches off."""
    return [_ORDINARY[name] for name in names if name in rules.unsent]


def no_cookies(frame: Frame) -> Expression | None:
    """A cookie policy that takes no cookies, where redirects would bring some and the collection wants none."""
    rules = frame.description.rules
    if rules.cookies or not rules.follow:
        return None
    frame.imports.add("from http.cookiejar import DefaultCookiePolicy")
    return Bracket("DefaultCookiePolicy(", (Entry(Code("[]"), head="allowed_domains="),), ")")


def authorization_kept(frame: Frame, library: str) -> Expression | None:
    """What has Authorization sent to other hosts, too: a hook or middleware around the header; the header stays where it is."""
    rules = frame.description.rules
    if not rules.follow or not rules.keep_authorization:
        return None
    names = [name.lower() for name, _ in frame.description.headers]
    if "authorization" not in names or len(set(names)) < len(names):
        if frame.description.auth or "authorization" in names:
            frame.note("redirect-authorization", f"the collection keeps Authorization when it is redirected, {library} does not")
        return None
    keep = frame.bring("keep", "keep_authorization.py.j2", library=library, is_async=frame.is_async)
    name = next(name for name, _ in frame.description.headers if name.lower() == "authorization")
    return call(keep, Code(f"headers[{string(name)}]"))
