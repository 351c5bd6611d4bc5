"""Options to a running engine: the only place where the parts are wired together, and where the outside world is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from runner import __version__
from runner.errors import UnresolvedError
from runner.files import BodyFiles
from runner.model import Collection, Cookie, Environment, Json, Variable
from runner.options import Options
from runner.outside import first_cookies, open_sources, tls_files, transport
from runner.plan import WHOLE, Plan, Share, make_plan
from runner.reading import read_env_file
from runner.secrets import Secrets
from runner.sources import Sources
from runner.variables import Scope, Scopes

if TYPE_CHECKING:  # what only a run needs is imported while the script engine starts
    from runner.clock import Clock
    from runner.cookies import Jar
    from runner.engine import Engine
    from runner.events import RunEvent
    from runner.extension import Extension
    from runner.linter import Finding
    from runner.ports import Ports
    from runner.sandbox import Conversation, Execution, Sandbox, ScriptError
    from runner.vault import Vault

PLUGS = ("runner.kis.plug",)
"""Modules of extensions that come with the package; each has a `plug(host, extras) -> Extension | None`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a run leaves behind, secrets and all: for exports, and for a run that goes on from there."""

    environment: Environment
    globals: Environment
    variables: tuple[Variable, ...]
    cookies: Sequence[Cookie]


class Session:
    """A run made ready: files read, variables filled, extensions chosen. Use as a context manager; nothing has been sent yet.

    With `warm` the script engine is started in the background, if there are scripts, as soon as that is known. A session
    `after` another one goes on with its environment, globals, cookies, secrets, script engine and time, and closes it.
    `scripts` may put a script engine of its own before Postman's, which `engine` makes if there is something to run.
    `share` is the part of the iterations that is run here.
    """

    def __init__(
        self,
        collection: Collection | str | Path,
        options: Options,
        *,
        warm: bool = False,
        sources: Sources | None = None,
        after: Session | None = None,
        share: Share = WHOLE,
        scripts: Callable[[Sandbox], Sandbox] = lambda engine: engine,
        engine: Callable[[], Sandbox] | None = None,
    ) -> None:
        self.options = options
        self._sources = sources or open_sources(options)
        self.collection = self._sources.collection(collection)
        self.secrets: Secrets = after.secrets if after else Secrets()
        self.origins: dict[tuple[str, str], str] = {}
        """Where values that are in no file came from, in words, by scope and name."""
        self._stack = ExitStack()
        self._engine: Engine | None = None
        self._jar: Jar | None = None
        self._clock: Clock | None = after._clock if after else None
        self.sandbox: _Sandbox = after.sandbox if after else _Sandbox(engine or _postman)
        self._stack.callback(self.sandbox.close)
        with self._stack:  # what goes wrong from here on leaves nothing running
            self._scripts = scripts(self.sandbox)
            self.plan = plan_of(self.collection, options, self._sources.rows(options.data), share)
            if warm:
                self._warm()
            self.scopes = self._scopes(*((after.state.environment, after.state.globals) if after else self._given()))
            self._vault: Vault | None = after._vault if after else self._opened_vault()
            if self._vault:
                self.scopes.vault = self._secret
            self._cookies = after.state.cookies if after else first_cookies(options)
            self._tls_files = tls_files(options)
            for certificate in self._tls_files.get("certificates", ()):
                self.secrets.learn("passphrase", certificate.passphrase)
            self.before: tuple[Extension, ...] = after.extensions if after else ()
            self.extensions: tuple[Extension, ...] = self._extensions()
            self._learn_scopes()
            if after:
                self._stack.enter_context(after._stack.pop_all())
            self._stack = self._stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the script engine, connections, and what extensions have started."""
        self._stack.close()

    def events(self, *, bodies: bool = True, rows: Iterable[Json] | None = None) -> Iterator[RunEvent]:
        """The run, secrets removed; `bodies` False leaves request and response bodies out of the events.

        There is an iteration for each of the `rows`, which may go on for ever, where they are given.

        Raises:
            UnresolvedError: a variable has no value and the settings want that to be an error.
        """
        if self.options.settings.fail_on_unresolved:
            self._check_unresolved()
        self._warm()
        self._engine = self.engine(rows)
        return self.shown(self._engine.events(), bodies=bodies)

    def engine(self, rows: Iterable[Json] | None = None) -> Engine:
        """What runs the plan, or its items one by one, secrets and all; `rows` as for `events`."""
        from runner.engine import Engine

        return Engine(self.plan, self._ports(), self.options.settings, rows)

    def shown(self, found: Iterable[RunEvent], *, bodies: bool = True) -> Iterator[RunEvent]:
        """Events without secrets, unless these are to be shown."""
        from runner.redact import redacted

        return iter(found) if self.options.show_secrets else redacted(found, self.secrets, bodies=bodies)

    def findings(self, rules: Sequence[str] | None = None) -> Iterator[Finding]:
        """What there is to mend in the collection; nothing is sent, and no script runs. `rules` None means all."""
        from runner.linter import RULES, Subject, findings

        subject = Subject(
            plan=self.plan,
            scopes=self.scopes,
            secrets=self.secrets,
            syntax_error=self.sandbox.syntax_error,
            placeholders=lambda request: chain.from_iterable(each.placeholders(request) for each in self.extensions),
        )
        return findings(subject, tuple(RULES) if rules is None else rules)

    def interrupt(self) -> None:
        """End the run early, with its last events; for signal handlers."""
        if self._engine is None:
            raise KeyboardInterrupt
        self._engine.interrupt()

    def _warm(self) -> None:
        """Start the script engine in the background if there are scripts; whatever is done next overlaps with that."""
        if self.plan.has_scripts:
            self._scripts.warm()

    def _given(self) -> tuple[Environment, Environment]:
        """Environment and globals as the options have them."""
        options = self.options
        environment = self._sources.environment(options.environment or Environment())
        globals_ = self._sources.globals(options.globals or Environment())
        return (
            self._overridden("environment", environment, options.env_vars, "--env-var"),
            self._overridden("globals", globals_, options.global_vars, "--global-var"),
        )

    def _scopes(self, environment: Environment, globals_: Environment) -> Scopes:
        from runner.dynamic import Dynamic

        return Scopes(
            environment=self._filled(environment),
            globals=Scope(globals_.values, name=globals_.name, id=globals_.id),
            collection=Scope(self.collection.variables),
            dynamic=Dynamic(self.sandbox.replace_in),
        )

    def _overridden(self, kind: str, environment: Environment, values: Mapping[str, str], option: str) -> Environment:
        scope = Scope(environment.values, name=environment.name or kind, id=environment.id)
        for key, value in values.items():
            scope.set(key, value)
            self.origins[kind, key] = f"{option} on the command line"
        return scope.export()

    def _filled(self, environment: Environment) -> Scope:
        """Empty variables of the environment filled by name, from the process environment and then the `.env` files."""
        scope = Scope(environment.values, name=environment.name, id=environment.id)
        sources = [("the process environment", self.options.environ)]
        sources += [(path, read_env_file(path)) for path in self.options.env_files]
        for variable in [entry for entry in scope if entry.value in ("", None) and entry.key not in self.options.env_vars]:
            for text, values in sources:
                if value := values.get(variable.key):
                    scope.set(variable.key, value)
                    self.origins["environment", variable.key] = text
                    break
        return scope

    def _extensions(self) -> tuple[Extension, ...]:
        plugs = [import_module(name).plug for name in PLUGS if find_spec(name.rpartition(".")[0])]
        plugged = [found for plug in plugs if (found := plug(self, self.options.extras))]
        return (*plugged, *_own_extensions(self.options, self.collection, self.scopes))

    @property
    def state(self) -> State:
        """What the run left; before it, what it starts with."""
        return State(
            environment=self.scopes.environment.export(),
            globals=self.scopes.globals.export(),
            variables=self.scopes.collection.export().values,
            cookies=self._jar.all() if self._jar else self._cookies,
        )

    def _opened_vault(self) -> Vault | None:
        if not self.options.vault:
            return None
        from runner.vault import open_vault

        return open_vault(self.options.vault)

    def _secret(self, name: str) -> str | None:
        """What the vault holds for a `{{vault:name}}`; where it does not answer, the variable has no value."""
        from runner.vault import VaultError

        try:
            value = self._vault.get(name) if self._vault else None
        except VaultError:
            return None
        self._learn_secret(name, value)
        return value

    def _learn_secret(self, name: str, value: Any) -> None:
        self.secrets.learn(name, value, "secret", lasting=True)

    def on_close(self, callback: Callable[[], object]) -> None:
        """Have something called when the run is over."""
        self._stack.callback(callback)

    def supply(self, values: Mapping[str, str], text: str, *, override: bool = False) -> None:
        """Give environment variables values from an extension: those that are empty, or with `override` all."""
        for key, value in values.items():
            empty = self.scopes.lookup(key) in ("", None) and key not in self.options.env_vars
            if override or empty:
                self.scopes.environment.set(key, value)
                self.origins["environment", key] = text

    def _learn_scopes(self) -> None:
        if self.options.postman_api_key:
            self.secrets.learn_value(self.options.postman_api_key, lasting=True)
        for _, scope in self.scopes.layers():
            for variable in scope:
                self.secrets.learn(variable.key, variable.value, variable.type)

    def _check_unresolved(self) -> None:
        from runner.usage import used_variables

        names = [use.name for use in used_variables(self.plan, self.scopes) if use.missing and not use.set_by_script]
        if names:
            hint = "fill them in the environment, the process environment or a .env file, or with --env-var NAME=VALUE"
            raise UnresolvedError(f"these variables have no value: {', '.join(names)}", hint=hint)

    def _ports(self) -> Ports:
        from runner import cookies
        from runner.clock import Clock
        from runner.door import Door, DryDoor
        from runner.packages import Packages
        from runner.ports import Ports
        from runner.transport import wire  # noqa: F401  now, while the script engine starts

        options = self.options
        self._jar = jar = cookies.Jar(self._cookies)
        self._clock = clock = self._clock or Clock(options.settings.timeout)
        sender = transport(options, jar, self._tls_files)
        self._stack.callback(sender.close)
        files = BodyFiles(working_dir=Path(options.working_dir), outside=options.outside_files)
        return Ports(
            sandbox=self._scripts,
            door=(DryDoor if options.settings.dry_run else Door)(sender, self.extensions, clock),
            clock=clock,
            scopes=self.scopes,
            jar=jar,
            read_file=files.read,
            cookies_json=cookies.postman_json,
            extensions=self.extensions,
            learn=self.secrets.learn,
            learn_secret=self._learn_secret,
            vault=self._vault,
            packages=Packages(options.packages, self.sandbox.syntax_error).of,
            user_agent=f"pabal/{__version__}",
        )


def plan_of(collection: Collection, options: Options, rows: Sequence[Json], share: Share = WHOLE) -> Plan:
    """What of a collection is run, how often; of that a `share`.

    Raises:
        UsageError: a folder does not exist.
    """
    return make_plan(
        collection,
        folders=options.folders,
        exclude=options.exclude,
        as_given=options.folders_as_given,
        iterations=options.iterations,
        rows=rows,
        share=share,
    )


def _postman() -> Sandbox:
    from runner.sandbox.v8 import V8Sandbox

    return V8Sandbox()


class _Sandbox:
    """The script engine, which is not even made before it is needed."""

    def __init__(self, make: Callable[[], Sandbox]) -> None:
        self._make = make
        self._engine: Sandbox | None = None

    def _started(self) -> Sandbox:
        if self._engine is None:
            self._engine = self._make()
        return self._engine

    def run(self, execution: Execution) -> Conversation:
        return self._started().run(execution)

    def replace_in(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        return self._started().replace_in(texts)

    def syntax_error(self, code: str) -> ScriptError | None:
        return self._started().syntax_error(code)

    def warm(self) -> None:
        self._started().warm()

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()


def _own_extensions(options: Options, collection: Collection, scopes: Scopes) -> Iterator[Extension]:
    if options.mock and not options.settings.dry_run:
        from runner.mock import Mock

        yield Mock(collection, scopes.replace)
    if options.retries:
        from runner.retry import Retries

        yield Retries(options.retries, options.retry_delay)
    if options.expect or options.expect_files:
        from runner.checks import Checks, read_rules

        yield Checks(read_rules(options.expect, options.expect_files), collection)


def find_scopes(options: Options, collections: Sequence[Collection]) -> None:
    """Make sure that each check of a file is for requests that there are.

    Raises:
        LoadError: a file cannot be read, or a line in it is no check.
        UsageError: no collection has a folder or request of that name.
    """
    if options.expect_files:
        from runner import checks

        checks.find_scopes(checks.read_rules((), options.expect_files), collections)


def run(collection: Collection | str | Path, options: Options | None = None) -> Iterator[RunEvent]:
    """Run a collection and yield its events.

    Raises:
        LoadError: a file could not be read.
        UsageError: a folder does not exist.
    """
    with Session(collection, options or Options()) as session:
        find_scopes(session.options, [session.collection])
        yield from session.events()


def lint(
    source: Collection | Environment | str | Path, options: Options | None = None, *, rules: Sequence[str] | None = None
) -> Iterator[Finding]:
    """What there is to mend in a collection, run with these options, or in an environment; see `runner.linter.RULES`.

    Raises:
        LoadError: a file could not be read.
        UsageError: a folder does not exist.
    """
    options = options or Options()
    found = open_sources(options).either(source) if isinstance(source, str | Path) else source
    if isinstance(found, Environment):
        found = Collection(id=found.id, name=found.name, variables=found.values)
    with Session(found, options) as session:
        for finding in session.findings(rules):
            yield replace(finding, file=str(source)) if isinstance(source, str | Path) else finding
