"""What signs a request in generated code: lines before the call, and what comes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from runner.codegen.code import Frame
from runner.codegen.description import Auth, FormBody, JsonBody, TextBody
from runner.codegen.registry import Settings
from runner.codegen.writer import Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """How a body that is assigned to `payload` is had: its bytes, its text, and a text of that name as a body again."""

    data: str
    text: str
    encoded: str


AS_TEXT = Content(data="payload.encode()", text="payload", encoded="payload")
AS_BYTES = Content(data="payload", text="payload.decode()", encoded="payload.encode()")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Lines before the call, as what stands before an expression and the expression; and the headers that come of them.

    `covers` says that URL and body are signed, which must then be there as the very texts; `in_url` that the lines put
    something into the URL.
    """

    lines: tuple[tuple[str, Expression], ...] = ()
    headers: tuple[tuple[str, Expression], ...] = ()
    covers: bool = False
    in_url: bool = False

    @property
    def whole_url(self) -> bool:
        """Whether the URL must be one text, parameters and all."""
        return self.covers or self.in_url

    def settings(self, settings: Settings) -> Settings:
        """The settings by which a signed body is written."""
        return replace(settings, body="exact") if self.covers else settings

    def replaces(self, left_out: Callable[[str, str | None], bool]) -> Callable[[str, str | None], bool]:
        """Which of the request's headers are left out: those that the signature brings, too."""
        names = {name.lower() for name, _ in self.headers}
        return lambda name, value: name in names or left_out(name, value)


def switched_on(auth: Auth, name: str) -> bool:
    """Whether a parameter of auth is true."""
    return auth.text(name).plain not in ("", "false", None)


def is_text(frame: Frame) -> bool:
    """Whether the body, if any, is assigned to a name as a whole, so that it can be signed."""
    return frame.description.body is None or isinstance(frame.description.body, JsonBody | TextBody | FormBody)


def joined(frame: Frame) -> str:
    """What stands between the URL and another parameter."""
    return "?" if frame.description.address.query is None else "&"
