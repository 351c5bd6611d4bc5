"""One request of a client under way: its variables, and the talk with its scripts. Nothing is sent here, but asked for."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from http.cookiejar import Cookie
from typing import Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from runner.client.core import Core, written
from runner.client.given import Params, with_query
from runner.codegen.support.pm import Script
from runner.codegen.support.sandbox import JavaScript, run_translated
from runner.errors import Refused
from runner.exchange import script_request
from runner.load import request_from_json
from runner.model import Json, Mutation, Prepared
from runner.request import prepare
from runner.sandbox import Answer, Assertion, Conversation, Execution, RequestCall, Said, ScriptError, ScriptResult
from runner.url import unparse
from runner.variables import changes


class Response(Protocol):
    """What sessions answer with; those of requests and of httpx are such."""

    @property
    def status_code(self) -> int: ...
    @property
    def url(self) -> object: ...
    @property
    def elapsed(self) -> timedelta: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Step:
    """What the engine of JavaScript is to do next, which takes a while; the answer is what comes of it."""

    conversation: Conversation
    answer: Answer

    def __call__(self) -> Said | ScriptResult:
        """Do it."""
        return _next(self.conversation, self.answer)


Wish: TypeAlias = Prepared | Step
"""What a script needs to go on: a request sent (the answer is a `RequestAnswer`), or a step done."""


class Call:
    """Its variables are those of the client when it began, and what its own scripts make of them; the client gets that, too."""

    def __init__(self, client: Core[Any], method: str) -> None:
        self._client = client
        self._method = method
        self._scopes = client.scopes.copy()
        self.failures: list[str] = []
        client.failures = self.failures

    def __getitem__(self, name: str) -> str:
        """A variable as it goes into the request.

        Raises:
            LookupError: it has no value.
        """
        return written(self._scopes, name)

    def request(self, url: str, params: Params | None, body: str | None) -> Json:
        """What pre-request scripts see."""
        found: Json = {"method": self._method, "url": with_query(url, params)}
        return found | {"body": {"mode": "raw", "raw": body}} if body else found

    def answer(self, response: Response, reason: str, cookies: Iterable[Cookie]) -> Execution:
        """What test scripts see."""
        self._client.secrets.learn_fields(response.text)
        url = str(response.url)
        request = {"method": self._method, "url": url}
        return Execution(
            listen="test", code="", request=request, response=answered(response, reason), cookies=tuple(_of_host(cookies, url))
        )

    def run(self, script: Script | JavaScript, seen: Execution) -> Generator[Wish, Any, None]:
        """Run a script; what it leaves behind counts from now on.

        Raises:
            Refused: it skips the request.
            NotImplementedError: it changes the request.
        """
        result = yield from self._talk(script, self._execution(script, seen))
        for kind, mutations in (
            ("environment", result.environment),
            ("globals", result.globals),
            ("collection", result.collection_variables),
            ("local", self._local(result)),
        ):
            for mutation in mutations:
                getattr(self._scopes, kind).apply(mutation)
                getattr(self._client.scopes, kind).apply(mutation)
        if result.request and seen.request and _differs(result.request, seen.request):
            raise NotImplementedError("a pre-request script changed the request, which a client does not carry over")
        if result.skipped:
            raise Refused("a script called pm.execution.skipRequest", hint="see `failures` for the check that did not hold")

    def _local(self, result: ScriptResult) -> tuple[Mutation, ...]:
        return () if result.local is None else tuple(changes(self._scopes.local.as_json(), result.local))

    def _talk(self, script: Script | JavaScript, execution: Execution) -> Generator[Wish, Any, ScriptResult]:
        slow = isinstance(script, JavaScript)
        answer: Answer = None
        with closing(self._conversation(script, execution)) as conversation:
            while True:
                said = (yield Step(conversation, answer)) if slow else _next(conversation, answer)
                match said:
                    case ScriptResult():
                        return said
                    case RequestCall(request=request):
                        answer = yield _prepared(request)
                    case _:
                        self._hear(said)
                        answer = None

    def _conversation(self, script: Script | JavaScript, execution: Execution) -> Conversation:
        if isinstance(script, JavaScript):
            return self._client.engine("scripts").run(execution)
        return run_translated(script, execution, self._scopes.dynamic)

    def _hear(self, said: Said) -> None:
        match said:
            case Assertion(passed=False, skipped=False, name=name):
                self._fail(name)
            case ScriptError(name=name, message=message):
                self._fail(f"{name}: {message}")

    def _fail(self, text: str) -> None:
        """Note what did not hold, as a report would show it."""
        self._client.learn()
        self.failures.append(self._client.secrets.hide(text))

    def _execution(self, script: Script | JavaScript, seen: Execution) -> Execution:
        return replace(
            seen,
            code=script.code if isinstance(script, JavaScript) else "",
            packages=script.packages or None if isinstance(script, JavaScript) else None,
            environment=self._scopes.environment.as_json(),
            globals=self._scopes.globals.as_json(),
            collection_variables=self._scopes.collection.as_json(),
            local=self._scopes.local.as_json(),
        )


def _next(conversation: Conversation, answer: Answer) -> Said | ScriptResult:
    try:
        return conversation.send(answer)
    except StopIteration as stop:
        result: ScriptResult = stop.value
        return result


def _prepared(request: Json) -> Prepared:
    """What a script asks for, as it is to be sent."""
    found = prepare(script_request(request)[0], behavior={"disableBodyPruning": True})
    return replace(found, headers=tuple(line for line in found.headers if line[0].lower() not in found.system_headers))


def answered(response: Response, reason: str) -> Json:
    """A response in Postman's JSON."""
    return {
        "code": response.status_code,
        "status": reason,
        "header": [{"key": key, "value": value} for key, value in response.headers.items()],
        "responseTime": math.ceil(response.elapsed.total_seconds() * 1000),
        "body": response.text,
    }


def _of_host(cookies: Iterable[Cookie], url: str) -> Iterable[Json]:
    """The cookies for the host of a URL."""
    host = urlsplit(url).hostname or ""
    for cookie in cookies:
        domain = (cookie.domain or host).lstrip(".").removesuffix(".local")
        if host == domain or host.endswith(f".{domain}"):
            yield {"name": cookie.name, "value": cookie.value, "domain": domain, "path": cookie.path}


def _differs(left: Json, given: Json) -> bool:
    """Whether a script left another request than it was given."""
    ours, theirs = request_from_json(given), request_from_json(left)
    bodies = (each.body.raw if each.body else "" for each in (ours, theirs))
    return (
        len(set(bodies)) > 1 or ours.method != theirs.method or bool(theirs.headers) or unparse(ours.url) != unparse(theirs.url)
    )
