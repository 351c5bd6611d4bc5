"""A client on an async client of httpx, which is only known by what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing, nullcontext, suppress
from functools import cached_property
from http.cookiejar import CookieJar
from importlib import import_module
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from runner.client.call import Call, Response, Step, Wish, answered
from runner.client.core import Core
from runner.client.given import Params
from runner.codegen.support.pm import Script
from runner.codegen.support.sandbox import JavaScript
from runner.model import Prepared
from runner.sandbox import Answer, Execution, RequestAnswer


class Answered(Response, Protocol):
    """An `httpx.Response`."""

    @property
    def reason_phrase(self) -> str: ...


class Cookies(Protocol):
    """An `httpx.Cookies`."""

    @property
    def jar(self) -> CookieJar: ...


class AsyncHttp(Protocol):
    """An `httpx.AsyncClient`."""

    @property
    def cookies(self) -> Cookies: ...
    @property
    def event_hooks(self) -> dict[str, list[Any]]: ...
    def build_request(self, method: str, url: str, *, json: Any = ...) -> Any: ...
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Any = ...,
        content: Any = ...,
        timeout: Any = ...,
        follow_redirects: Any = ...,
    ) -> Answered: ...
    async def aclose(self) -> None: ...


Session = TypeVar("Session", bound=AsyncHttp)


class AsyncClient(Core[Session]):
    """Base of generated async clients. Use as an async context manager, or `aclose` it.

    Several requests may be under way at a time: each has the variables as they were when it began.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the session, and the script engine if one was needed."""
        with self.stack:
            await self.session.aclose()

    @cached_property
    def one_script(self) -> asyncio.Lock:
        """Held by the script that the engine of JavaScript works on."""
        return asyncio.Lock()

    def guard(self, session: Session) -> None:
        """Have every request that a session sends looked at before it leaves, if that is not so yet."""
        if self._look not in session.event_hooks["request"]:
            session.event_hooks["request"].append(self._look)

    async def _look(self, request: Any) -> None:
        if "target" in request.extensions and not _is_target(request):
            del request.extensions["target"]  # it is that of the request from which this one was redirected
        self.check(request.method, str(request.url), request.headers.multi_items())

    def call(self, method: str) -> AsyncCall:
        """Begin a request."""
        return AsyncCall(self, method)


def _is_target(request: Any) -> bool:
    """Whether the target of a request line is that of the request's URL, as it was before httpx worked out its dots."""
    target: str = request.extensions["target"].decode("ascii")
    worked_out: bytes = request.url.join(target).raw_path
    return bool(worked_out == request.url.raw_path)


class AsyncGroup(Generic[Session]):
    """A folder of a client."""

    def __init__(self, client: AsyncClient[Session]) -> None:
        self._client = client


class AsyncCall(Call):
    """A request that is awaited."""

    _client: AsyncClient[Any]

    async def before(
        self,
        scripts: Sequence[Script | JavaScript],
        url: str,
        *,
        params: Params | None = None,
        text: str | None = None,
        json: Any = None,
    ) -> None:
        """Run pre-request scripts; what they set counts for what is made of variables afterwards."""
        if json is not None:
            text = self._client.session.build_request("POST", "http://localhost", json=json).content.decode()
        await self._run(scripts, Execution(listen="prerequest", code="", request=self.request(url, params, text)))

    async def after(self, scripts: Sequence[Script | JavaScript], response: Answered) -> None:
        """Run test scripts, which store tokens and the like."""
        self._client.failed[response] = self.failures
        if scripts:
            await self._run(scripts, self.answer(response, response.reason_phrase, self._client.session.cookies.jar))

    async def _run(self, scripts: Sequence[Script | JavaScript], seen: Execution) -> None:
        for script in scripts:
            async with self._client.one_script if isinstance(script, JavaScript) else nullcontext():
                answer = None
                with closing(self.run(script, seen)) as talk, suppress(StopIteration):
                    while True:
                        answer = await self._fulfil(talk.send(answer))

    async def _fulfil(self, wish: Wish) -> Any:
        return await _in_thread(wish) if isinstance(wish, Step) else await self._ask(wish)

    async def _ask(self, wanted: Prepared) -> Answer:
        """Send what a script asks for."""
        client = self._client
        try:
            found = await client.session.request(
                wanted.method,
                wanted.url,
                headers=wanted.headers,
                content=wanted.body,
                timeout=client.timeout,
                follow_redirects=True,
            )
        except import_module("httpx").HTTPError as error:
            return RequestAnswer(error=str(error))
        return RequestAnswer(response=answered(found, found.reason_phrase))


async def _in_thread(step: Step) -> Any:
    """Do a step beside the event loop; who is cancelled waits for its end, since the engine is not to be left in the middle."""
    doing = asyncio.ensure_future(asyncio.to_thread(step))
    try:
        return await asyncio.shield(doing)
    finally:
        await asyncio.wait([doing])
