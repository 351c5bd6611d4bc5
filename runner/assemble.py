"""Options to a running engine: the only place where the parts are wired together, and where the outside world is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from runner import __version__
from runner.errors import UnresolvedError
from runner.files import BodyFiles
from runner.model import Collection, Cookie, Environment, Json, Prepared, Response
from runner.plan import Plan, Settings, make_plan
from runner.reading import read_env_file
from runner.secrets import Secrets
from runner.sources import POSTMAN_API, Sources
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
    from runner.transport import Transport
    from runner.vault import Vault

Source: TypeAlias = Environment | str | Path | None
"""An environment, or where it is: a path, `-`, a URL or a Postman UID."""

PLUGS = ("runner.kis.plug",)
"""Modules of extensions that come with the package; each has a `plug(host, extras) -> Extension | None`."""

_FETCH_TIMEOUT = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything a run can be told. Times are in ms, 0 for none; paths are as the user wrote them.

    `environ` is the process environment and `env_files` are `.env` files: both only fill variables that the environment
    declares and leaves empty. `env_vars` and `global_vars` win over every file. `retries` is how often a request is sent once
    more, `retry_delay` the first pause. `folders` and `exclude` take names, ids, paths and patterns (`selection.select`);
    `folders_as_given` runs them in the order of `folders`. `expect` are checks on every response, `expect_files` files of them
    (`checks.grammar`). `stdin` is what `-` reads; `postman_api_key` and `postman_api` lead to what is given as a Postman UID.
    `packages` is the folder of what `pm.require` finds, `vault` where `pm.vault` has its secrets (`vault.open_vault`).
    Client certificates and body files are looked for from `working_dir`. `cookie_jar` is a file of the cookies a run starts
    with. `max_response_size` is in bytes, 0 for any. `extras` are settings for extensions.
    """

    environment: Source = None
    globals: Source = None
    data: Sequence[Json] | str | Path | None = None
    iterations: int | None = None
    folders: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    folders_as_given: bool = False
    env_vars: Mapping[str, str] = field(default_factory=dict)
    global_vars: Mapping[str, str] = field(default_factory=dict)
    env_files: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    insecure: bool = False
    ignore_redirects: bool = False
    ssl_client_cert: str | None = None
    ssl_client_key: str | None = None
    ssl_client_passphrase: str | None = field(default=None, repr=False)
    ssl_client_cert_list: str | None = None
    ssl_extra_ca_certs: str | None = None
    cookie_jar: str | Path | None = None
    max_response_size: int = 0
    working_dir: str | Path = "."
    outside_files: bool = True
    show_secrets: bool = False
    retries: int = 0
    retry_delay: float = 500
    packages: str | Path | None = None
    vault: str | None = None
    expect: tuple[str, ...] = ()
    expect_files: tuple[str, ...] = ()
    mock: bool = False
    stdin: Callable[[], bytes] | None = None
    postman_api_key: str | None = field(default=None, repr=False)
    postman_api: str = POSTMAN_API
    extras: Mapping[str, Any] = field(default_factory=dict)


class Session:
    """A run made ready: files read, variables filled, extensions chosen. Use as a context manager; nothing has been sent yet.

    With `warm` the script engine is started in the background, if there are scripts, as soon as that is known. A session
    `after` another one goes on with its environment, globals, cookies, secrets, script engine and time, and closes it.
    `scripts` may put a script engine of its own before Postman's.
    """

    def __init__(
        self,
        collection: Collection | str | Path,
        options: Options,
        *,
        warm: bool = False,
        sources: Sources | None = None,
        after: Session | None = None,
        scripts: Callable[[Sandbox], Sandbox] = lambda engine: engine,
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
        self.sandbox: _Sandbox = after.sandbox if after else _Sandbox()
        self._stack.callback(self.sandbox.close)
        with self._stack:  # what goes wrong from here on leaves nothing running
            self._scripts = scripts(self.sandbox)
            self.plan = plan_of(self.collection, options, self._sources.rows(options.data))
            if warm:
                self._warm()
            self.scopes = self._scopes(*(_left(after) if after else self._given()))
            self._vault: Vault | None = after._vault if after else self._opened_vault()
            if self._vault:
                self.scopes.vault = self._secret
            self._cookies = after.cookies() if after else _cookies(options)
            self._tls_files = _tls_files(options)
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

    def events(self, *, bodies: bool = True) -> Iterator[RunEvent]:
        """The run, secrets removed; `bodies` False leaves request and response bodies out of the events.

        Raises:
            UnresolvedError: a variable has no value and the settings want that to be an error.
        """
        if self.options.settings.fail_on_unresolved:
            self._check_unresolved()
        self._warm()
        self._engine = self.engine()
        return self.shown(self._engine.events(), bodies=bodies)

    def engine(self) -> Engine:
        """What runs the plan, or its items one by one, secrets and all."""
        from runner.engine import Engine

        return Engine(self.plan, self._ports(), self.options.settings)

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
            self.sandbox.warm()

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

    def cookies(self) -> Sequence[Cookie]:
        """The cookies as the run left them; before it, those it starts with."""
        return self._jar.all() if self._jar else self._cookies

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
        transport = _transport(options, jar, self._tls_files)
        self._stack.callback(transport.close)
        files = BodyFiles(working_dir=Path(options.working_dir), outside=options.outside_files)
        return Ports(
            sandbox=self._scripts,
            door=(DryDoor if options.settings.dry_run else Door)(transport, self.extensions, clock),
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


def plan_of(collection: Collection, options: Options, rows: Sequence[Json]) -> Plan:
    """What of a collection is run, how often.

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
    )


def _left(session: Session) -> tuple[Environment, Environment]:
    return session.scopes.environment.export(), session.scopes.globals.export()


class _Sandbox:
    """The script engine, which is not even imported before it is needed."""

    def __init__(self) -> None:
        self._engine: Sandbox | None = None

    def _started(self) -> Sandbox:
        if self._engine is None:
            from runner.sandbox.v8 import V8Sandbox

            self._engine = V8Sandbox()
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
    if options.mock:
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


def open_sources(options: Options) -> Sources:
    """Where the files of a run are read; nothing is fetched before it is asked for."""

    def send(prepared: Prepared) -> Response:
        from runner import cookies
        from runner.door import Door

        # The collection decides which extensions there are, so that there is none yet: these are GETs of the user's own.
        with closing(_transport(options, cookies.Jar(), _tls_files(options))) as transport:
            return Door(transport).send(prepared, "source", options.settings.request_timeout or _FETCH_TIMEOUT)

    return Sources(send=send, stdin=options.stdin, api_key=options.postman_api_key, api=options.postman_api)


def _transport(options: Options, jar: Jar, tls_files: Mapping[str, Any]) -> Transport:
    from runner.transport import Transport

    return Transport(
        jar=jar,
        verify=not options.insecure,
        follow_redirects=not options.ignore_redirects,
        environ=options.environ,
        limit=options.max_response_size,
        **tls_files,
    )


def _cookies(options: Options) -> Sequence[Cookie]:
    if options.cookie_jar is None:
        return ()
    from runner.cookie_file import load_cookies

    return load_cookies(options.cookie_jar)


def _tls_files(options: Options) -> Mapping[str, Any]:
    """Certificates of the client and authorities to trust, as the transport takes them."""
    given = (options.ssl_client_cert, options.ssl_client_key, options.ssl_client_passphrase, options.ssl_client_cert_list)
    if not any((*given, options.ssl_extra_ca_certs)):
        return {}
    from runner.transport.certificates import client_certificates, extra_roots

    cert, key, passphrase, listed = given
    folder = Path(options.working_dir)
    found = client_certificates(listed=listed, cert=cert, key=key, passphrase=passphrase, folder=folder)
    return {"certificates": found, "extra_roots": extra_roots(options.ssl_extra_ca_certs, folder)}


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
