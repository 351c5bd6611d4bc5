"""What generated clients are built on: the collection's variables, its scripts, and the guards before a real account."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from runner.assemble import PLUGS
from runner.codegen.support.pm import Script
from runner.codegen.support.sandbox import JavaScript, run_translated
from runner.dump import environment_json
from runner.dynamic import Dynamic
from runner.errors import Refused
from runner.extension import Extension
from runner.jstext import js_text
from runner.load import load_environment, request_from_json
from runner.model import Collection, Item, Json, Prepared, Request
from runner.plan import make_plan
from runner.sandbox import Answer, Assertion, Execution, RequestAnswer, RequestCall, Said, ScriptError, ScriptResult
from runner.secrets import Secrets
from runner.url import parse, unparse
from runner.variables import MISSING, Scope, Scopes


class Response(Protocol):
    """What a session answers with; `requests.Response` is one."""

    status_code: int
    reason: str
    url: str
    elapsed: timedelta

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def text(self) -> str: ...


class Http(Protocol):
    """What sends requests; `requests.Session` is one."""

    @property
    def cookies(self) -> Iterable[Any]: ...
    def request(self, method: str, url: str, *, headers: Any = ..., data: Any = ..., timeout: Any = ...) -> Response: ...
    def close(self) -> None: ...


Session = TypeVar("Session", bound=Http)


class Client(Generic[Session]):
    """Base of generated clients. Use as a context manager, or `close` it.

    Requests that change an account are only sent with `allow_changes`, on a real account only with `allow_real_changes`
    too. `failures` are the names of the checks of the last request that did not hold, with secrets hidden: what is named like
    one, and the variables called so in `secrets`. `timeout` is in seconds. By the `addresses` that its requests go to, as
    they are written in the collection, the guards know a real account behind whatever host a variable names.
    """

    def __init__(
        self,
        session: Session,
        *,
        timeout: float | None,
        allow_changes: bool,
        allow_real_changes: bool,
        environment: Mapping[str, Any],
        collection: Mapping[str, Any],
        globals: Mapping[str, Any],
        secrets: Iterable[str] = (),
        addresses: Iterable[str] = (),
        requests: Mapping[str, str] | None = None,
    ) -> None:
        self.session = session
        self.timeout = timeout
        self.allow_changes = allow_changes
        self.failures: list[str] = []
        self._stack = ExitStack()
        self._stack.callback(session.close)
        self.scopes = Scopes(
            environment=Scope.of({name: value for name, value in environment.items() if value is not None}),
            globals=Scope.of(globals),
            collection=Scope.of(collection),
            dynamic=Dynamic(lambda texts: self._engine().replace_in(texts)),
        )
        self._v8: Any = None
        self._requests = requests or {}
        self._secrets = Secrets()
        for name in secrets:
            self._secrets.add_name(name)
        self._extensions = _extensions(_Host(self.scopes, self._secrets, addresses), allow_real_changes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the session, and the script engine if one was needed."""
        self._stack.close()

    def __getitem__(self, name: str) -> str:
        """A variable as it goes into a request.

        Raises:
            LookupError: it has no value.
        """
        value = self.scopes.find(name)
        if value is MISSING:
            raise LookupError(f"the variable {name} has no value: give it to the constructor, or set it")
        return self.scopes.replace(js_text(value))

    def __setitem__(self, name: str, value: Any) -> None:
        """Give an environment variable a value."""
        self.scopes.environment.set(name, value)

    def request(self, name: str, **values: Any) -> Any:
        """Send a request by its name in the collection, or by its path there (`Folder/Name`), with values for its parameters.

        Raises:
            LookupError: there is none of that name, or several.
        """
        found = [call for path, call in self._requests.items() if name == path or path.endswith(f"/{name}")]
        if len(found) != 1:
            raise LookupError(f"there are {len(found)} requests called {name}: give its path, Folder/Name")
        return attrgetter(found[0])(self)(**values)

    def load(self, path: str | Path) -> None:
        """Take the environment variables of a file that Postman or `save` has written; those without a value stay as they are.

        Raises:
            LoadError: it cannot be read.
        """
        for variable in load_environment(path).values:
            if not variable.disabled and variable.value not in ("", None):
                self[variable.key] = variable.value

    def save(self, path: str | Path) -> None:
        """Write the environment, tokens too, for Postman, `pabal run -e` or `load`; a new file is for its owner only.

        Raises:
            OSError: it cannot be written.
        """
        text = json.dumps(environment_json(self.scopes.environment.export()), indent=2, ensure_ascii=False) + "\n"
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(text)

    def with_headers(self, headers: dict[str, str | None], given: Mapping[str, str] | None) -> dict[str, str | None]:
        """Headers with those `given` at a call in their place, whatever the case of their names."""
        names = {name.lower() for name in given or {}}
        return {**{name: value for name, value in headers.items() if name.lower() not in names}, **(given or {})}

    def confirm(self) -> None:
        """Before a request that changes an account, as far as the collection tells.

        Raises:
            Refused: that is not allowed.
        """
        if not self.allow_changes:
            raise Refused("not sent, it changes an account", hint="make the client with allow_changes=True to send it")

    def check(self, method: str, url: str, headers: Mapping[str, str | None]) -> None:
        """Look at a request before it leaves.

        Raises:
            Refused: it changes an account, and that is not allowed.
        """
        sent = [(name, str(value)) for name, value in headers.items() if value is not None]
        prepared = Prepared(method=method, url=url, headers=tuple(sent))
        for line in prepared.headers:
            self._secrets.learn_header(*line)
        if any(extension.changes(prepared) for extension in self._extensions):
            self.confirm()
        for extension in self._extensions:
            extension.guard(prepared, "item")

    def before(
        self, scripts: Sequence[Script | JavaScript], method: str, url: str, body: str | None = None, *, first: bool = True
    ) -> None:
        """Run pre-request scripts; what they set counts for what is made of variables afterwards. `first` of a request."""
        self.failures = [] if first else self.failures
        request: Json = (
            {"method": method, "url": url, "body": {"mode": "raw", "raw": body}} if body else {"method": method, "url": url}
        )
        self._run(scripts, "prerequest", request, None)

    def after(self, scripts: Sequence[Script | JavaScript], response: Response, *, first: bool = True) -> None:
        """Run test scripts, which store tokens and the like; `first` of a request unless `before` was called."""
        self.failures = [] if first else self.failures
        self._secrets.learn_fields(response.text)
        self._run(scripts, "test", {"method": "GET", "url": response.url}, _json(response), self._cookies(response.url))

    def _cookies(self, url: str) -> tuple[Json, ...]:
        """The session's cookies for the host of a URL."""
        host = urlsplit(url).hostname or ""
        found = ((cookie, (cookie.domain or host).lstrip(".").removesuffix(".local")) for cookie in self.session.cookies)
        return tuple(
            {"name": cookie.name, "value": cookie.value, "domain": domain, "path": cookie.path}
            for cookie, domain in found
            if host == domain or host.endswith(f".{domain}")
        )

    def _run(
        self,
        scripts: Sequence[Script | JavaScript],
        listen: str,
        request: Json,
        response: Json | None,
        cookies: tuple[Json, ...] = (),
    ) -> None:
        for script in scripts:
            result = self._talk(script, replace(self._execution(script, listen, request, response), cookies=cookies))
            for mutations, scope in (
                (result.environment, self.scopes.environment),
                (result.globals, self.scopes.globals),
                (result.collection_variables, self.scopes.collection),
            ):
                for mutation in mutations:
                    scope.apply(mutation)
            if result.local is not None:
                self.scopes.local = Scope.of({entry["key"]: entry.get("value") for entry in result.local})
            if result.request and _differs(result.request, request):
                raise NotImplementedError("a pre-request script changed the request, which a client does not carry over")
            if result.skipped:
                raise Refused("a script called pm.execution.skipRequest", hint="see `failures` for the check that did not hold")

    def _talk(self, script: Script | JavaScript, execution: Execution) -> ScriptResult:
        if isinstance(script, JavaScript):
            conversation = self._engine().run(execution)
        else:
            conversation = run_translated(script, execution, self.scopes.dynamic)
        answer: Answer = None
        while True:
            try:
                answer = self._hear(conversation.send(answer))
            except StopIteration as stop:
                result: ScriptResult = stop.value
                return result

    def _hear(self, said: Said) -> Answer:
        match said:
            case Assertion(passed=False, skipped=False, name=name):
                self._fail(name)
            case ScriptError(name=name, message=message):
                self._fail(f"{name}: {message}")
            case RequestCall(request=request):
                return self._ask(request)
        return None

    def _fail(self, text: str) -> None:
        """Note what did not hold, as a report would show it."""
        for _, scope in self.scopes.layers():
            for entry in scope:
                self._secrets.learn(entry.key, entry.value, entry.type)
        self.failures.append(self._secrets.hide(text))

    def _ask(self, request: Json) -> RequestAnswer:
        """Send what a script asks for."""
        from runner.exchange import script_request
        from runner.request import prepare

        prepared = prepare(script_request(request)[0], behavior={"disableBodyPruning": True})
        headers = {name: value for name, value in prepared.headers if name.lower() not in prepared.system_headers}
        self.check(prepared.method, prepared.url, headers)
        try:
            found = self.session.request(prepared.method, prepared.url, headers=headers, data=prepared.body, timeout=self.timeout)
        except OSError as error:
            return RequestAnswer(error=str(error))
        return RequestAnswer(response=_json(found))

    def _execution(self, script: Script | JavaScript, listen: str, request: Json, response: Json | None) -> Execution:
        return Execution(
            listen=listen,
            code=script.code if isinstance(script, JavaScript) else "",
            packages=script.packages or None if isinstance(script, JavaScript) else None,
            request=request,
            response=response,
            environment=self.scopes.environment.as_json(),
            globals=self.scopes.globals.as_json(),
            collection_variables=self.scopes.collection.as_json(),
            local=self.scopes.local.as_json(),
        )

    def _engine(self) -> Any:
        if self._v8 is None:
            from runner.sandbox.v8 import V8Sandbox

            self._v8 = V8Sandbox()
            self._stack.callback(self._v8.close)
        return self._v8


class Group(Generic[Session]):
    """A folder of a client."""

    def __init__(self, client: Client[Session]) -> None:
        self._client = client


def _differs(left: Json, given: Json) -> bool:
    """Whether a script left another request than it was given."""
    ours, theirs = request_from_json(given), request_from_json(left)
    bodies = (each.body.raw if each.body else "" for each in (ours, theirs))
    return (
        len(set(bodies)) > 1 or ours.method != theirs.method or bool(theirs.headers) or unparse(ours.url) != unparse(theirs.url)
    )


def _json(response: Response) -> Json:
    return {
        "code": response.status_code,
        "status": response.reason,
        "header": [{"key": key, "value": value} for key, value in response.headers.items()],
        "responseTime": math.ceil(response.elapsed.total_seconds() * 1000),
        "body": response.text,
    }


class _Host:
    """A run of requests to these addresses, by which extensions know whose hosts they are."""

    def __init__(self, scopes: Scopes, secrets: Secrets, addresses: Iterable[str]) -> None:
        items = tuple(Item(id=text, name=text, request=Request(url=parse(text))) for text in addresses)
        self.collection = Collection(id="", name="", items=items)
        self.plan = make_plan(self.collection)
        self.scopes, self.secrets = scopes, secrets
        self.before: tuple[Extension, ...] = ()

    def supply(self, values: Mapping[str, str], text: str, *, override: bool = False) -> None:
        """Nothing is simulated here."""

    def on_close(self, callback: Callable[[], object]) -> None:
        """Nothing is started here."""


def _extensions(host: _Host, allow_real_changes: bool) -> tuple[Extension, ...]:
    plugs = [import_module(name).plug for name in PLUGS if find_spec(name.rpartition(".")[0])]
    extras = {"allow_real_orders": allow_real_changes}
    return tuple(found for plug in plugs if (found := plug(host, extras)))
