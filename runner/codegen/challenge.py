"""Auth that answers what a server asks for, in code for libraries that have nothing of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runner.codegen.code import Frame
from runner.codegen.parts import domain_and_password, user_and_password
from runner.codegen.writer import Bracket, Expression

CHALLENGED = frozenset({"digest", "ntlm"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What makes the answers, of which class, and how often the request is sent at most."""

    kind: Literal["Digest", "Ntlm"]
    maker: Expression
    tries: int


def challenge_of(frame: Frame) -> Challenge | None:
    """How code answers challenges, with a class that it brings along; None where the request has no such auth."""
    auth = frame.description.auth
    match auth and auth.type:
        case "digest":
            frame.bring("digest.py.j2")
            frame.imports |= {"import hashlib", "import secrets", "from urllib.request import parse_http_list, parse_keqv_list"}
            made = Bracket("Digest(", user_and_password(frame, encode=False).entries, ")")
            return Challenge(kind="Digest", maker=made, tries=2)
        case "ntlm":
            return Challenge(kind="Ntlm", maker=ntlm(frame, "ntlm.py.j2"), tries=3)
    return None


def ntlm(frame: Frame, template: str) -> Expression:
    """NTLM by pyspnego, in a class that fits the library."""
    frame.bring(template)
    frame.imports |= {"import base64", "import spnego"}
    return Bracket("Ntlm(", domain_and_password(frame), ")")
