"""Postman's script sandbox behind one protocol.

`Sandbox.run` is a generator, the same idiom as `auth.flow`: it yields what the script says or wants and is sent the
answers; its return value is what the script left behind. The names follow Postman's sandbox contract.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from runner.model import Json, Mutation


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One script to run, with everything it can see.

    `request` and `response` are in Postman's JSON (a text body travels as `body`, a binary one as `stream`). A request is
    None where the script does not look at it (see `runner.sandbox.sight`), a response where there is none. Scopes are
    lists of `{key, value, type}`. `timeout` is in milliseconds, None for none.
    """

    listen: str
    code: str
    request: Json | None = None
    response: Json | None = None
    cookies: tuple[Json, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    environment: tuple[Json, ...] = ()
    globals: tuple[Json, ...] = ()
    collection_variables: tuple[Json, ...] = ()
    local: tuple[Json, ...] = ()
    environment_name: str = ""
    iteration: int = 0
    iteration_count: int = 1
    item_id: str = ""
    item_name: str = ""
    item_path: tuple[str, ...] = ()
    script_place: str = ""
    packages: Mapping[str, Any] | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptError:
    """An error a script died of, or that was thrown in one of its callbacks. `line` counts in the user's own text, from 1.

    `actual` and `expected` are JSON texts of what an assertion compared, where chai says that a diff is worth showing.
    """

    name: str
    message: str
    stack: str = ""
    line: int | None = None
    column: int | None = None
    actual: str | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """The outcome of one `pm.test`. `index` counts from 0 within the script."""

    name: str
    index: int
    passed: bool
    skipped: bool = False
    error: ScriptError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """One console call: `level` is log, info, warn, error, debug or clear; `messages` the arguments as Python values."""

    level: str
    messages: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCall:
    """The script called `pm.sendRequest`. Answer: a `RequestAnswer`."""

    request: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswer:
    """The response to a `RequestCall` in Postman's JSON with the cookies of its URL, or the text of what went wrong."""

    response: Json | None = None
    cookies: tuple[Json, ...] = ()
    error: str | None = None
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieCall:
    """The script used the cookie jar: a method of tough-cookie's store and its arguments. Answer: a `CookieAnswer`."""

    method: str
    args: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieAnswer:
    """The result of a `CookieCall` (tough-cookie JSON), or an error text."""

    result: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultCall:
    """The script called `pm.vault.get`, `set` or `unset` (`method`). Answer: a `VaultAnswer`."""

    method: str
    key: str
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultAnswer:
    """The value that a vault holds, None where it holds none, or an error text."""

    value: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCall:
    """The script called `pm.execution.runRequest`; the scopes are as it has left them so far. Answer: a `RunAnswer`."""

    request_id: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    environment: tuple[Json, ...] = ()
    globals: tuple[Json, ...] = ()
    collection_variables: tuple[Json, ...] = ()
    local: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAnswer:
    """The response in Postman's JSON, None where the request was skipped, or an error text; and what changed in each scope."""

    response: Json | None = None
    error: str | None = None
    environment: tuple[Mutation, ...] = ()
    globals: tuple[Mutation, ...] = ()
    collection_variables: tuple[Mutation, ...] = ()
    local: tuple[Mutation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """The script called `pm.execution.skipRequest()`; nothing it says after this counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The script has been handed over and runs: whoever listens may do something else before asking on."""


Said: TypeAlias = Running | Console | Assertion | ScriptError | RequestCall | CookieCall | VaultCall | RunCall | Skipped
Answer: TypeAlias = RequestAnswer | CookieAnswer | VaultAnswer | RunAnswer | None


class Unset:
    """The type of `UNSET`."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()
"""No value was given, where None has a meaning of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptResult:
    """What a script left behind.

    The three scopes hold what changed, in order; `local` the whole of `pm.variables`. `request` is the mutated request
    in Postman's JSON, None when the script did not change it. `next_request` is UNSET unless the script named one.
    """

    environment: tuple[Mutation, ...] = ()
    globals: tuple[Mutation, ...] = ()
    collection_variables: tuple[Mutation, ...] = ()
    local: tuple[Json, ...] | None = None
    request: Json | None = None
    next_request: str | Unset | None = UNSET
    visualizer: Json | None = None
    error: ScriptError | None = None
    skipped: bool = False


Conversation: TypeAlias = Generator[Said, Answer, ScriptResult]


class Sandbox(Protocol):
    """A script engine. `error` of a result is the first error of its script; it was also yielded."""

    def run(self, execution: Execution) -> Conversation:
        """Run one script; never raises for what a script does."""
        ...

    def replace_in(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Each text with its dynamic variables (`{{$randomCity}}` …) replaced by Postman's own generators."""
        ...

    def syntax_error(self, code: str) -> ScriptError | None:
        """Why and where a script does not parse, None when it does. It is not run."""
        ...

    def warm(self) -> None:
        """Begin to start the engine in the background, so that the first script does not wait for it."""
        ...

    def close(self) -> None:
        """End the engine and leave nothing behind."""
        ...
