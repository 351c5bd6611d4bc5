"""What a generated client knows and decides, whatever sends its requests: nothing here waits for a server."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from runner.assemble import PLUGS
from runner.dump import environment_json
from runner.dynamic import Dynamic
from runner.errors import Refused
from runner.extension import Extension
from runner.jstext import js_text
from runner.load import load_environment
from runner.model import Collection, Item, Prepared, Request, Variable
from runner.plan import make_plan
from runner.reporters.files import whole_file
from runner.sandbox.v8 import V8Sandbox
from runner.secrets import STARS, Secrets
from runner.url import parse
from runner.variables import MISSING, Scope, Scopes

Session = TypeVar("Session")


class Core(ABC, Generic[Session]):
    """Variables, guards and what is remembered of a client.

    Requests that change an account are only sent with `allow_changes`, on a real account only with `allow_real_changes`
    too. `failures` are the names of the checks of the last request that did not hold, with secrets hidden: what is named like
    one, and the variables called so in `secrets`. `timeout` is in seconds. By the `addresses` that its requests go to, as
    they are written in the collection, the guards know a real account behind whatever host a variable names. `requests` has
    the path in the collection of each method.
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
        self._session = session
        self.timeout = timeout
        self.allow_changes = allow_changes
        self.failures: list[str] = []
        self.failed: WeakKeyDictionary[Any, list[str]] = WeakKeyDictionary()
        self.stack = ExitStack()
        self.scopes = Scopes(
            environment=Scope.of({name: value for name, value in environment.items() if value is not None}),
            globals=Scope.of(globals),
            collection=Scope.of(collection),
            dynamic=Dynamic(lambda texts: self.engine("values").replace_in(texts)),
        )
        self.scopes.environment.name = type(self).__name__
        self.secrets = Secrets()
        for name in secrets:
            self.secrets.add_name(name)
        self._engines: dict[str, V8Sandbox] = {}
        self._requests = requests or {}
        self._extensions = _extensions(_Host(self.scopes, self.secrets, addresses), allow_real_changes)

    @property
    def session(self) -> Session:
        """What sends the requests; the guards are on it, also after its owner has put other adapters or hooks there."""
        self.guard(self._session)
        return self._session

    @abstractmethod
    def guard(self, session: Session) -> None:
        """Have every request that a session sends looked at before it leaves, if that is not so yet."""

    def __repr__(self) -> str:
        """The environment, secrets hidden."""
        self.learn()
        shown = (f"{entry.key}={self._shown(entry)}" for entry in self.scopes.environment)
        return f"<{type(self).__name__} {' '.join(shown)}>"

    def _shown(self, entry: Variable) -> str:
        text = js_text(entry.value)
        return repr(STARS if text and self.secrets.is_secret(entry.key, entry.type) else self.secrets.hide(text))

    def __getitem__(self, name: str) -> str:
        """A variable as it goes into a request.

        Raises:
            LookupError: it has no value.
        """
        return written(self.scopes, name)

    def __setitem__(self, name: str, value: Any) -> None:
        """Give an environment variable a value."""
        self.scopes.environment.set(name, value)

    def request(self, name: str, /, **values: Any) -> Any:
        """Send a request by its name in the collection, its path there (`Folder/Name`) or its method's (`folder.name`).

        What it returns is what the method does, which is to be awaited where that is.

        Raises:
            LookupError: there is none of that name, or several.
        """
        exact = [method for method, path in self._requests.items() if name in (method, path)]
        found = exact or [method for method, path in self._requests.items() if path.endswith(f"/{name}")]
        if len(found) != 1:
            which = f": {' or '.join(found)}" if found else ""
            raise LookupError(f"there are {len(found)} requests called {name}{which}")
        return attrgetter(found[0])(self)(**values)

    def failures_of(self, response: Any) -> list[str]:
        """The names of the checks that did not hold for a response; of several requests at a time each has its own."""
        return self.failed.get(response, [])

    def load(self, path: str | Path) -> None:
        """Take the environment variables of a file that Postman or `save` has written; those without a value stay as they are.

        Raises:
            LoadError: it cannot be read.
        """
        found, scope = load_environment(path), self.scopes.environment
        scope.name, scope.id = found.name or scope.name, found.id or scope.id
        for variable in found.values:
            if variable.type == "secret":
                self.secrets.add_name(variable.key)
            if not variable.disabled and variable.value not in ("", None):
                scope.set(variable.key, variable.value, variable.type)

    def save(self, path: str | Path) -> None:
        """Write the environment, tokens too, for Postman, `pabal run -e` or `load`. The file is whole, and its owner's only.

        Raises:
            UsageError: it cannot be written.
        """
        found = self.scopes.environment.export()
        marked = [replace(each, type="secret") if self._is_unmarked(each) else each for each in found.values]
        found = replace(found, id=found.id or str(uuid.uuid4()), values=tuple(marked))
        text = json.dumps(environment_json(found, now=datetime.now(UTC)), indent=2, ensure_ascii=False) + "\n"
        with whole_file(Path(path), 0o600) as file:
            file.write(text.encode("utf-8", "backslashreplace"))

    def _is_unmarked(self, variable: Variable) -> bool:
        return variable.type == "any" and self.secrets.is_secret(variable.key)

    def learn(self) -> None:
        """Know all secrets among the variables."""
        for _, scope in self.scopes.layers():
            for entry in scope:
                self.secrets.learn(entry.key, entry.value, entry.type)

    def confirm(self) -> None:
        """Before a request that changes an account, as far as the collection tells.

        Raises:
            Refused: that is not allowed.
        """
        if not self.allow_changes:
            raise Refused("not sent, it changes an account", hint="make the client with allow_changes=True to send it")

    def check(self, method: str, url: str, headers: Iterable[tuple[str, str]]) -> None:
        """Look at a request that is about to leave, a redirected one or a script's, too.

        Raises:
            Refused: it changes an account, and that is not allowed.
        """
        prepared = Prepared(method=method, url=url, headers=tuple(headers))
        for line in prepared.headers:
            self.secrets.learn_header(*line)
        if any(extension.changes(prepared) for extension in self._extensions):
            self.confirm()
        for extension in self._extensions:
            extension.guard(prepared, "item")

    def engine(self, purpose: str) -> V8Sandbox:
        """Postman's sandbox for one purpose, for which it works one thing after the other."""
        if purpose not in self._engines:
            self._engines[purpose] = V8Sandbox()
            self.stack.callback(self._engines[purpose].close)
        return self._engines[purpose]


def written(scopes: Scopes, name: str) -> str:
    """A variable as it goes into a request.

    Raises:
        LookupError: it has no value.
    """
    value = scopes.find(name)
    if value is MISSING:
        raise LookupError(f"the variable {name} has no value: give it to the constructor, or set it")
    return scopes.replace(js_text(value))


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
