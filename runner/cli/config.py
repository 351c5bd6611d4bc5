"""Option values from elsewhere than the command line: Newman's rc files, `pyproject.toml`, `pabal.toml`, and `PABAL_…`.

They become click's `default_map`, so that the command line wins and every value is checked as if it stood there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import rich_click as click
from click.core import ParameterSource

from runner.cli.options import POSITIVE
from runner.errors import LoadError, UsageError
from runner.jstext import js_text
from runner.place import kind_of
from runner.reading import decode, read_bytes, read_json

SYSTEM_RC = Path("/etc/postman/newmanrc")
PREFIX = "PABAL_"
_ELSEWHERE = frozenset({"PABAL_ALLOW_ORDERS"})
"""No options, but switches of generated tests and programs."""
_COMMA_LISTS = ("reporters", "bail")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Setting(NamedTuple):
    """One value of a source: `where` is its file, empty for the environment, `key` its name there, `name` the option's."""

    where: str
    key: str
    name: str
    value: Any

    @property
    def place(self) -> str:
        """Where a user finds it."""
        return f"{self.where}: {self.key}" if self.where else self.key

    def fail(self, what: str, hint: str = "") -> UsageError:
        """An error at this setting, to be raised by the caller."""
        return UsageError(what, where=self.place, hint=hint)


class Config:
    """What the sources come to: `defaults` by parameter, `reporters` by reporter option, and where each came from."""

    def __init__(self) -> None:
        self.defaults: dict[str, Any] = {}
        self.reporters: dict[str, str | bool] = {}
        self.origins: dict[str, Setting] = {}


class ConfiguredCommand(click.RichCommand):
    """A command whose options may also be set in files and in the environment.

    These are written for `pabal run`, which is `strict`: a name that it does not know is an error. Others take what they know.
    """

    strict = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the other sources for defaults; an error in a value tells which source it came from."""
        config = gather(self.get_params(ctx), settings(os.environ), strict=self.strict)
        ctx.default_map = config.defaults
        ctx.meta["config"] = config
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            name = (error.param and error.param.name) or ""
            if ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP:
                raise config.origins[name].fail(error.message) from error
            raise


def gather(params: list[click.Parameter], found: Iterator[Setting], *, strict: bool) -> Config:
    """The settings as defaults for parameters; of several for the same option the last one counts, null never does.

    Options that click may not take from the environment (`allow_from_autoenv`) are not taken from files either.

    Raises:
        UsageError: a value has the wrong shape, must not stand there, or with `strict` there is no such option.
    """
    settable = [param for param in params if param.expose_value and (strict or isinstance(param, click.Option))]
    known = {name.removeprefix("--"): param for param in settable for name in _long(param)}
    config = Config()
    for setting in (_turned(each, known) for each in found if each.value is not None):
        if setting.name.startswith("reporter-"):
            config.reporters[setting.name.removeprefix("reporter-")] = _scalar(setting)
            config.origins[setting.name] = setting
        elif param := known.get(setting.name):
            if isinstance(param, click.Option) and not param.allow_from_autoenv:
                raise setting.fail("can only be given on the command line, for one run")
            config.defaults[param.name] = _value(param, setting)
            config.origins[param.name] = setting
        elif strict:
            raise _unknown(setting, known)
    return config


def _turned(setting: Setting, known: Mapping[str, click.Parameter]) -> Setting:
    """`x = false` as `no-x = true`, or the other way round, where that is the switch there is."""
    opposite = setting.name.removeprefix("no-") if setting.name.startswith("no-") else f"no-{setting.name}"
    param = known.get(opposite)
    if setting.name in known or not (isinstance(param, click.Option) and param.is_flag):
        return setting
    try:
        return setting._replace(name=opposite, value=not click.BOOL.convert(_scalar(setting), None, None))
    except click.BadParameter as error:
        raise setting.fail(error.message) from error


def _unknown(setting: Setting, known: Iterable[str]) -> UsageError:
    import difflib

    near = difflib.get_close_matches(setting.name, known, n=1)
    return setting.fail("there is no such option", f"did you mean {near[0]}?" if near else "see pabal run --help")


def _long(param: click.Parameter) -> list[str]:
    """The names under which a parameter may be set; an argument has one name."""
    return [name for name in param.opts if name.startswith("--")] or param.opts[:1]


def _value(param: click.Parameter, setting: Setting) -> Any:
    value, many = setting.value, param.multiple or param.nargs == -1
    if many:
        return list(_many(setting))
    if setting.name == "bail" and isinstance(value, bool):
        return "failure" if value else None
    if setting.name in _COMMA_LISTS and isinstance(value, list):
        return ",".join(map(js_text, value))
    if param.type is POSITIVE and value == 0 and not isinstance(value, bool):
        return None  # as Newman's library has it: none, or no limit
    switch = isinstance(param, click.Option) and param.is_flag
    value = _scalar(setting)
    if isinstance(value, bool) and not switch:
        raise setting.fail("expected text or a number, found true or false")
    return value


def _many(setting: Setting) -> Iterator[str]:
    """The values of an option that may be given several times: lines of text, a list, or a table of names and values."""
    value = setting.value
    if isinstance(value, dict):
        value = [{"key": key, "value": part} for key, part in value.items()]
    for part in value if isinstance(value, list) else str(value).splitlines():
        if isinstance(part, dict) and {"key", "value"} <= part.keys():
            yield f"{part['key']}={js_text(part['value'])}"
        elif isinstance(part, dict | list | None):
            raise setting.fail(f"expected text, found {kind_of(part)}")
        else:
            yield js_text(part)


def _scalar(setting: Setting) -> str | bool:
    value = setting.value
    if isinstance(value, dict | list):
        raise setting.fail(f"expected text, a number, or true or false, found {kind_of(value)}")
    if "\0" in str(value):
        raise setting.fail("holds a NUL, which no command line could")
    return value if isinstance(value, bool) else js_text(value) if isinstance(value, float) else str(value)


# --------------------------------------------------------------------------------------------------------- the sources


def settings(environ: Mapping[str, str]) -> Iterator[Setting]:
    """What all sources say, those that win last: rc files, pyproject.toml, pabal.toml, the environment.

    Raises:
        LoadError: a file cannot be read, or is no JSON or TOML.
    """
    home = environ.get("HOME") or environ.get("USERPROFILE")
    for path in (SYSTEM_RC, Path(home, ".postman", "newmanrc") if home else None, Path(".newmanrc")):
        if path and os.access(path, os.F_OK):
            yield from _newmanrc(path)
    yield from _toml(Path("pyproject.toml"), ("tool", "pabal"))
    yield from _toml(Path("pabal.toml"), ())
    for key, text in environ.items():
        if key.startswith(PREFIX) and text and key not in _ELSEWHERE:
            yield Setting("", key, key.removeprefix(PREFIX).lower().replace("_", "-"), text)


def _newmanrc(path: Path) -> Iterator[Setting]:
    """Options under the names of Newman's library; where there is a `run`, only what is in it."""
    root = read_json(path)
    options = root["run"] if isinstance(root, dict) and isinstance(root.get("run"), dict) else root
    if not isinstance(options, dict):
        raise LoadError(f"expected an object of options, found {kind_of(options)}", where=str(path))
    yield from _options(str(path), options)


def _toml(path: Path, table: tuple[str, ...]) -> Iterator[Setting]:
    if not os.access(path, os.F_OK):
        return
    data = read_bytes(path)
    if not all(word.encode() in data for word in table):  # the parser is not even loaded for other people's files
        return
    import tomllib

    try:
        options: Any = tomllib.loads(decode(data))
    except tomllib.TOMLDecodeError as error:
        raise LoadError(f"is not valid TOML: {error}", where=str(path)) from error
    except RecursionError as error:
        raise LoadError("is nested too deeply", where=str(path)) from error
    for name in table:
        options = options.get(name, {})
    if not isinstance(options, dict):
        raise LoadError(f"expected a table [{'.'.join(table)}], found {kind_of(options)}", where=str(path))
    yield from _options(f"{path} [{'.'.join(table)}]" if table else str(path), options)


def _options(where: str, options: Mapping[str, Any]) -> Iterator[Setting]:
    """The entries of a file; `reporter` holds a table for each reporter, and options for all of them."""
    for key, value in options.items():
        name = _CAMEL.sub("-", key).lower()
        if name == "reporter" and isinstance(value, dict):
            yield from _nested(where, key, name, value)
        else:
            yield Setting(where, key, name, value)


def _nested(where: str, outer: str, prefix: str, options: Mapping[str, Any]) -> Iterator[Setting]:
    for key, value in options.items():
        name = f"{prefix}-{_CAMEL.sub('-', key).lower()}"
        if isinstance(value, dict):
            yield from _nested(where, f"{outer}.{key}", name, value)
        else:
            yield Setting(where, f"{outer}.{key}", name, value)
