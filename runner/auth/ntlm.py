"""NTLM: three messages that authenticate a connection, not a request (MS-NTHT).

Nothing here holds the connection: the transport keeps one alive between the messages, and a server must let it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner.auth.flow import Flow
from runner.auth.signing import warned, without_headers
from runner.auth.simple import text, unsigned
from runner.auth.target import Target
from runner.model import Prepared, Response
from runner.request import with_header

if TYPE_CHECKING:
    from spnego import ContextProxy

_OFFERED = re.compile(r"\b(?:NTLM|Negotiate)\b", re.IGNORECASE)
_MESSAGE = re.compile(r"\s*NTLM\s+([A-Za-z0-9+/=]+)")


def ntlm(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
    """Prove `username` and `password` where the server asks for it (401 or 403), unless `disableRetryRequest`.

    `domain` may also stand in the user name, as `DOMAIN\\user` or `user@domain`; `workstation` is this machine's name there.
    """
    if not text(params, "username"):
        yield unsigned(prepared, "ntlm", "username")
        return
    bare = without_headers(prepared, "authorization")
    response = yield bare
    if params.get("disableRetryRequest") or not _asks(response):
        return
    context = _context(bare, params)
    response = yield with_header(bare, "Authorization", _message(context, None, params))
    challenge = _challenge(response)
    if challenge is None:
        return
    try:
        proof = _message(context, challenge, params)
    except ValueError as error:
        yield warned(bare, "ntlm", f"the server's challenge makes no sense ({error})")
        return
    yield with_header(bare, "Authorization", proof)


def _asks(response: Response) -> bool:
    return response.code in (401, 403) and any(_OFFERED.search(value) for value in _challenges(response))


def _challenge(response: Response) -> bytes | None:
    """The server's message, if it sent one."""
    found = [match[1] for value in _challenges(response) if (match := _MESSAGE.match(value))]
    try:
        return base64.b64decode(found[0], validate=True) if found and response.code in (401, 403) else None
    except binascii.Error:
        return b""


def _challenges(response: Response) -> list[str]:
    return [value for name, value in response.headers if name.lower() == "www-authenticate"]


def _context(prepared: Prepared, params: Mapping[str, Any]) -> ContextProxy:
    import spnego

    user, domain = account(text(params, "username"), text(params, "domain"))
    return spnego.client(
        f"{domain}\\{user}" if domain else user,
        text(params, "password"),
        hostname=Target.of(prepared.url).host,
        service="HTTP",
        protocol="ntlm",
        options=spnego.NegotiateOptions.use_ntlm,
    )


def account(user: str, domain: str) -> tuple[str, str]:
    """User and domain, which may also stand in the user's name."""
    if domain or ("\\" in user and "@" in user):
        return user, domain
    for pattern in (r"(?P<domain>[^\\]+)\\(?P<user>[^\\]+)", r"(?P<user>[^@]+)@(?P<domain>[^@]+)"):
        if found := re.fullmatch(pattern, user):
            return found["user"], found["domain"]
    return user, ""


def _message(context: ContextProxy, challenge: bytes | None, params: Mapping[str, Any]) -> str:
    """The next message of this side.

    Raises:
        ValueError: the server's message cannot be read.
    """
    from spnego.exceptions import SpnegoError

    try:
        with _named(text(params, "workstation")):
            token = context.step(challenge)
    except (SpnegoError, struct.error) as error:
        raise ValueError(str(error)) from error
    return f"NTLM {base64.b64encode(token or b'').decode()}"


@contextmanager
def _named(workstation: str) -> Iterator[None]:
    """Have pyspnego name this workstation, not the machine's own name, which it takes only from this variable."""
    before = os.environ.get("NETBIOS_COMPUTER_NAME")
    os.environ["NETBIOS_COMPUTER_NAME"] = workstation
    try:
        yield
    finally:
        if before is None:
            del os.environ["NETBIOS_COMPUTER_NAME"]
        else:
            os.environ["NETBIOS_COMPUTER_NAME"] = before
