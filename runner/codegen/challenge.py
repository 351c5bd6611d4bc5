"""Auth that answers what a server asks for, in code for libraries that have nothing of their own."""

from __future__ import annotations

from dataclasses import dataclass

from runner.codegen.code import Frame
from runner.codegen.parts import domain_and_password, user_and_password
from runner.codegen.writer import Bracket, Expression

CHALLENGED = frozenset({"digest", "ntlm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What makes the answers, of which class, and how often the request is sent at most."""

    kind: str
    maker: Expression
    tries: int


def challenge_of(frame: Frame) -> Challenge | None:
    """How code answers challenges, with a class that it brings along; None where the request has no such auth."""
    auth = frame.description.auth
    match auth and auth.type:
        case "digest":
            name = frame.bring("Digest", "digest.py.j2")
            frame.imports |= {"import hashlib", "import secrets", "from urllib.request import parse_http_list, parse_keqv_list"}
            made = Bracket(f"{name}(", user_and_password(frame, encode=False).entries, ")")
            return Challenge(kind=name, maker=made, tries=2)
        case "ntlm":
            made = ntlm(frame, "ntlm.py.j2")
            return Challenge(kind=made.opening.removesuffix("("), maker=made, tries=3)
    return None


def ntlm(frame: Frame, template: str) -> Bracket:
    """NTLM by pyspnego, in a class that fits the library."""
    name = frame.bring("Ntlm", template)
    frame.imports |= {"import base64", "import spnego"}
    return Bracket(f"{name}(", domain_and_password(frame), ")")
