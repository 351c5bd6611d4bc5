"""`pm` for translated scripts: what one script sees of its run, what it says, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from runner.codegen.support.json import json_parse
from runner.codegen.support.postman import Postman
from runner.codegen.support.values import JsError, OnlyJavaScript, get, key_text, nullish, text, undefined
from runner.dynamic import Dynamic
from runner.load import request_from_json
from runner.model import Json, Mutation, Variable
from runner.sandbox import Assertion, Console, Execution, Said, ScriptError
from runner.url import as_parts, unparse
from runner.variables import MISSING, Scope, Scopes


class SkipRequest(BaseException):
    """`pm.execution.skipRequest()` was called: nothing after it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """`pm.info`."""

    event_name: str
    iteration: int
    iteration_count: int
    request_name: str
    request_id: str


class Variables:
    """One scope of variables; `changes` are what the script did, the last of each name."""

    def __init__(self, scope: Scope, replace: Callable[[str], str]) -> None:
        self._scope = scope
        self._replace = replace
        self.changes: dict[str, Mutation] = {}

    def get(self, key: Any) -> Any:
        """The value, undefined if there is none."""
        return self._scope.get(key_text(key), undefined)

    def has(self, key: Any) -> bool:
        """Whether there is such a variable."""
        return key_text(key) in self._scope

    def set(self, key: Any, value: Any) -> Any:
        """Give a variable a value; undefined counts as null outside of the script."""
        name = key_text(key)
        self._scope.set(name, value)
        self._note(Mutation(key=name, value=None if value is undefined else value))
        return undefined

    def unset(self, key: Any) -> Any:
        """Remove a variable."""
        name = key_text(key)
        self._scope.unset(name)
        self._note(Mutation(key=name, unset=True))
        return undefined

    def clear(self) -> Any:
        """Remove all variables."""
        for variable in list(self._scope):
            self.unset(variable.key)
        return undefined

    def _note(self, mutation: Mutation) -> None:
        self.changes.pop(mutation.key, None)
        self.changes[mutation.key] = mutation

    def to_object(self) -> dict[str, Any]:
        """Names and values."""
        return {variable.key: self._scope.get(variable.key) for variable in self._scope}

    def replace_in(self, value: Any) -> Any:
        """A text with the variables of all scopes put in."""
        return self._replace(value) if isinstance(value, str) else value


class LocalVariables(Variables):
    """`pm.variables`: reads look through all scopes, writes stay local."""

    def __init__(self, scopes: Scopes) -> None:
        super().__init__(scopes.local, scopes.replace)
        self._scopes = scopes

    def get(self, key: Any) -> Any:
        """The value of the highest scope that has it."""
        found = self._scopes.find(key_text(key))
        return undefined if found is MISSING else found

    def has(self, key: Any) -> bool:
        """Whether any scope has it."""
        return self._scopes.find(key_text(key)) is not MISSING


class Headers:
    """Headers by any case of their names."""

    def __init__(self, lines: list[Json]) -> None:
        self._lines = lines

    def get(self, name: Any) -> Any:
        """The value of a header, undefined if there is none."""
        found = [line.get("value") for line in self._lines if line["key"].lower() == text(name).lower()]
        return found[-1] if found else undefined

    def has(self, name: Any) -> bool:
        """Whether there is such a header."""
        return any(line["key"].lower() == text(name).lower() for line in self._lines)

    def to_object(self) -> dict[str, Any]:
        """Names in lower case, and values."""
        return {line["key"].lower(): line.get("value") for line in self._lines}


class Response:
    """A response in Postman's JSON; without one, as after a failed request, everything is undefined."""

    def __init__(self, data: Json | None) -> None:
        self._data = data or {}
        self.headers = Headers(self._data.get("header") or [])
        self.code = self._data.get("code", undefined)
        self.status = self._data.get("status", undefined)
        self.response_time = self._data.get("responseTime", undefined)

    def text(self) -> Any:
        """The body as text."""
        if "stream" in self._data:
            from base64 import b64decode

            return b64decode(self._data["stream"]["data"]).decode("utf-8", "replace")
        return self._data.get("body", undefined)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            JsError: it is none.
        """
        return json_parse(self.text())

    def reason(self) -> Any:
        """The reason phrase."""
        return self.status


class Request:
    """`pm.request`; `changed` once a script did something to it."""

    def __init__(self, data: Json) -> None:
        self.data: Json = deepcopy(data)
        self.changed = False

    @property
    def headers(self) -> Headers:
        """The headers that are not switched off."""
        return Headers([line for line in self.data.get("header") or [] if not line.get("disabled")])

    @property
    def method(self) -> str:
        """The method in capitals."""
        return str(self.data.get("method") or "GET").upper()

    @property
    def body_raw(self) -> Any:
        """The text of a raw body."""
        return get(self.data.get("body") or undefined, "raw")

    def url_text(self) -> str:
        """`pm.request.url.toString()`."""
        return unparse(request_from_json(self.data).url)

    def url_path(self) -> str:
        """`pm.request.url.getPath()`."""
        return "/" + "/".join(as_parts(request_from_json(self.data).url).path)

    def update_body(self, body: Any) -> None:
        """`pm.request.body.update(text)`: a raw body of that text.

        Raises:
            OnlyJavaScript: it is given anything but a text.
        """
        if not isinstance(body, str):
            raise OnlyJavaScript("pm.request.body.update with anything but a text")
        self.data["body"] = {**(self.data.get("body") or {}), "mode": "raw", "raw": body}
        self.changed = True

    def add_header(self, header: Any) -> None:
        """One more header, from `{key, value}`."""
        self._change([*self.data.get("header", []), {"key": text(get(header, "key")), "value": text(get(header, "value"))}])

    def upsert_header(self, header: Any) -> None:
        """A header in place of the one of that name."""
        name = text(get(header, "key"))
        if not self.headers.has(name):
            return self.add_header(header)
        new = {"key": name, "value": text(get(header, "value"))}
        return self._change([new if line["key"].lower() == name.lower() else line for line in self.data["header"]])

    def remove_header(self, name: Any) -> None:
        """Take a header away."""
        self._change([line for line in self.data.get("header", []) if line["key"].lower() != text(name).lower()])

    def _change(self, lines: list[Json]) -> None:
        self.data["header"] = lines
        self.changed = True


class Cookies:
    """`pm.cookies`: the cookies of the request's URL."""

    def __init__(self, cookies: tuple[Json, ...]) -> None:
        self._cookies = cookies

    def find(self, name: Any) -> Any:
        """`postman.getResponseCookie(name)`: the cookie itself."""
        return next((dict(cookie) for cookie in self._cookies if cookie["name"] == text(name)), undefined)

    def get(self, name: Any) -> Any:
        """The value of a cookie, undefined if there is none."""
        return get(found, "value") if (found := self.find(name)) is not undefined else undefined

    def has(self, name: Any) -> bool:
        """Whether there is such a cookie."""
        return self.find(name) is not undefined

    def to_object(self) -> dict[str, Any]:
        """Names and values."""
        return {cookie["name"]: cookie["value"] for cookie in self._cookies}


def _scope(values: tuple[Json, ...]) -> Scope:
    return Scope(Variable(key=entry["key"], value=entry.get("value"), type=entry.get("type") or "any") for entry in values)


Callback = Callable[..., object]
Script = Callable[["Pm"], object]
"""A translated script."""


@dataclass(kw_only=True)
class Pm:
    """`pm` of one script. `said` is what it has said so far, `calls` the requests whose answers it waits for."""

    execution: Execution
    dynamic: Dynamic
    said: list[Said] = field(default_factory=list)
    calls: list[tuple[Json, Callback]] = field(default_factory=list)
    tests: dict[str, bool] = field(default_factory=dict)
    named: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        seen = self.execution
        self._scopes = Scopes(
            environment=_scope(seen.environment),
            globals=_scope(seen.globals),
            collection=_scope(seen.collection_variables),
            dynamic=self.dynamic,
        )
        self._scopes.local = _scope(seen.local)
        self._scopes.data = Scope.of(seen.data)
        self.environment = Variables(self._scopes.environment, self._scopes.replace)
        self.globals = Variables(self._scopes.globals, self._scopes.replace)
        self.collection_variables = Variables(self._scopes.collection, self._scopes.replace)
        self.iteration_data = Variables(self._scopes.data, self._scopes.replace)
        self.variables = LocalVariables(self._scopes)
        self.request = Request(seen.request or {})
        self.response = Response(seen.response)
        self.cookies = Cookies(seen.cookies)
        self.info = Info(
            event_name=seen.listen,
            iteration=seen.iteration,
            iteration_count=seen.iteration_count,
            request_name=seen.item_name,
            request_id=seen.item_id,
        )
        self.postman = Postman(self)
        self._tests = 0

    def log(self, *values: Any, level: str = "log") -> Any:
        """`console.log(…)`."""
        self.said.append(Console(level=level, messages=tuple(_shown(deepcopy(value)) for value in values)))
        return undefined

    @contextmanager
    def test(self, name: Any) -> Iterator[None]:
        """The block of a `pm.test`: whatever is raised in it fails this test and no more."""
        try:
            yield
        except Exception as error:
            self._assert(text(name), _script_error(error))
        else:
            self._assert(text(name), None)

    def skip_test(self, name: Any) -> None:
        """`pm.test.skip(name)`."""
        self._assert(text(name), None, skipped=True)

    def _assert(self, name: str, error: ScriptError | None, *, skipped: bool = False) -> None:
        self.said.append(Assertion(name=name, index=self._tests, passed=error is None, skipped=skipped, error=error))
        self._tests += 1

    def settle(self) -> None:
        """Report what the script wrote into `tests`, as Postman does when the script has come to its end."""
        from runner.codegen.support.values import keys

        tests, self.tests = self.tests, {}
        for name in keys(tests):
            failed = ScriptError(name="AssertionError", message=f"expected {str(tests[name]).lower()} to be truthy")
            self._assert(name, None if tests[name] else failed)

    def send_request(self, request: Any, callback: Callback) -> Any:
        """`pm.sendRequest(request, callback)`: it is called when the script has come to its end."""
        data = {"url": request, "method": "GET"} if isinstance(request, str) else deepcopy(request)
        self.calls.append((_plain(data), callback))
        return undefined

    def set_next_request(self, name: Any) -> Any:
        """The request to go on with, null for none."""
        if name is not undefined:
            self.named = [None if name is None else text(name)]
        return undefined

    def skip_request(self) -> None:
        """Do not send the request."""
        raise SkipRequest

    def fail(self, error: Exception) -> None:
        """Report an error that no `pm.test` caught."""
        self.said.append(_script_error(error))

    @property
    def local(self) -> tuple[Json, ...] | None:
        """All of `pm.variables`, if the script changed it."""
        if not self.variables.changes:
            return None
        return tuple(_plain({"type": entry.type, "key": entry.key, "value": entry.value}) for entry in self._scopes.local)


def _script_error(error: Exception) -> ScriptError:
    name = error.name if isinstance(error, JsError) else type(error).__name__
    line = next((frame.lineno for frame in reversed(_frames(error)) if "codegen/support" not in frame.filename), None)
    message = str(error) or (_explained(error) if isinstance(error, AssertionError) else "")
    return ScriptError(name=name, message=message.partition("\n")[0], stack=f"{name}: {message}", line=line)


def _explained(error: AssertionError) -> str:
    from runner.codegen.support.explain import explained

    return explained(error)


def _frames(error: Exception) -> list[Any]:
    from traceback import extract_tb

    return list(extract_tb(error.__traceback__))


def _shown(value: Any) -> Any:
    """A value as the console gets it: errors as objects."""
    return {"type": "Error", "name": value.name, "message": value.message} if isinstance(value, JsError) else value


def _plain(value: Any) -> Any:
    """A value without what JSON has no form for."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items() if entry is not undefined}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return None if nullish(value) else value
