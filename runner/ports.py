"""Everything a run reaches the outside world through, and what its generators say."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from runner import auth
from runner.clock import Clock
from runner.door import Door
from runner.events import RunEvent
from runner.extension import Extension
from runner.model import Cookie, Event, Json
from runner.sandbox import Sandbox
from runner.variables import Scopes
from runner.vault import Vault


class CookieJar(Protocol):
    """What scripts may do with the run's cookies."""

    def call(self, method: str, args: Sequence[Any]) -> Any:
        """A method of tough-cookie's store."""
        ...


@dataclass(kw_only=True)
class Ports:
    """Everything a run reaches the outside world through, wired together by `assemble`."""

    sandbox: Sandbox
    door: Door
    scopes: Scopes
    jar: CookieJar
    read_file: Callable[[str], bytes]
    cookies_json: Callable[[Sequence[Cookie]], tuple[Json, ...]]
    extensions: Sequence[Extension] = ()
    learn: Callable[[str, Any], None] = lambda key, value: None
    learn_secret: Callable[[str, Any], None] = lambda key, value: None
    vault: Vault | None = None
    packages: Callable[[Event], Mapping[str, Any] | None] = lambda event: event.packages or None
    user_agent: str = "pabal"
    clock: Clock = field(default_factory=Clock)
    memory: auth.Memory = field(default_factory=auth.Memory)


class Waiting:
    """Said among the events of a run: it is about to wait, and what was said before may be told meanwhile."""


WAITING = Waiting()

Saying = Generator[RunEvent | Waiting, None, None]
