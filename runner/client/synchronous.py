"""A client on a session of requests, which is only known by what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from json import dumps
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

from runner.client.call import Call, Response, Step, Wish, answered
from runner.client.core import Core
from runner.client.given import Params
from runner.codegen.support.pm import Script
from runner.codegen.support.sandbox import JavaScript
from runner.model import Prepared
from runner.sandbox import Answer, Execution, RequestAnswer


class Answered(Response, Protocol):
    """A `requests.Response`."""

    @property
    def reason(self) -> str: ...


class Http(Protocol):
    """A `requests.Session`."""

    @property
    def cookies(self) -> Iterable[Any]: ...
    @property
    def adapters(self) -> Mapping[str, Any]: ...
    def mount(self, prefix: str, adapter: Any) -> None: ...
    def request(self, method: str, url: str, *, headers: Any = ..., data: Any = ..., timeout: Any = ...) -> Answered: ...
    def close(self) -> None: ...


Session = TypeVar("Session", bound=Http)


class Client(Core[Session]):
    """Base of generated clients. Use as a context manager, or `close` it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the session, and the script engine if one was needed."""
        with self.stack:
            self.session.close()

    def guard(self, session: Session) -> None:
        """Have every request that a session sends looked at before it leaves, if that is not so yet."""
        for prefix, adapter in list(session.adapters.items()):
            if not _looks(adapter, self.check):
                session.mount(prefix, _Door(adapter, self.check))

    def call(self, method: str) -> SessionCall:
        """Begin a request."""
        return SessionCall(self, method)


class Group(Generic[Session]):
    """A folder of a client."""

    def __init__(self, client: Client[Session]) -> None:
        self._client = client


class SessionCall(Call):
    """A request on a session."""

    _client: Client[Any]

    def before(
        self,
        scripts: Sequence[Script | JavaScript],
        url: str,
        *,
        params: Params | None = None,
        text: str | None = None,
        json: Any = None,
    ) -> None:
        """Run pre-request scripts; what they set counts for what is made of variables afterwards."""
        body = text if json is None else dumps(json)
        self._run(scripts, Execution(listen="prerequest", code="", request=self.request(url, params, body)))

    def after(self, scripts: Sequence[Script | JavaScript], response: Answered) -> None:
        """Run test scripts, which store tokens and the like."""
        self._client.failed[response] = self.failures
        if scripts:
            self._run(scripts, self.answer(response, response.reason, self._client.session.cookies))

    def _run(self, scripts: Sequence[Script | JavaScript], seen: Execution) -> None:
        for script in scripts:
            answer = None
            with closing(self.run(script, seen)) as talk, suppress(StopIteration):
                while True:
                    answer = self._fulfil(talk.send(answer))

    def _fulfil(self, wish: Wish) -> Any:
        return wish() if isinstance(wish, Step) else self._ask(wish)

    def _ask(self, wanted: Prepared) -> Answer:
        """Send what a script asks for."""
        client = self._client
        try:
            found = client.session.request(
                wanted.method, wanted.url, headers=dict(wanted.headers), data=wanted.body, timeout=client.timeout
            )
        except OSError as error:
            return RequestAnswer(error=str(error))
        return RequestAnswer(response=answered(found, found.reason))


Look: TypeAlias = Callable[[str, str, Iterable[tuple[str, str]]], None]


class _Door:
    """An adapter of a session before which every request is looked at."""

    def __init__(self, adapter: Any, look: Look) -> None:
        self.adapter = adapter
        self.look = look

    def send(self, request: Any, **settings: Any) -> Any:
        """Send a request, if nothing is against it."""
        self.look(request.method, request.url, _lines(request.headers.items()))
        return self.adapter.send(request, **settings)

    def close(self) -> None:
        """End its connections."""
        self.adapter.close()


def _looks(adapter: Any, look: Look) -> bool:
    """Whether an adapter, or one that it stands before, is looked at in this way."""
    return isinstance(adapter, _Door) and (adapter.look == look or _looks(adapter.adapter, look))


def _lines(headers: Iterable[tuple[str | bytes, object]]) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        yield _text(name), _text(value)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
