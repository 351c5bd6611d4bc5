"""Secrets for `pm.vault`: from a file that is only read, or from the keyring of the operating system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from runner.errors import LoadError, UsageError
from runner.jstext import js_text
from runner.place import kind_of
from runner.reading import read_env_file, read_json

KEYRING = "keyring"
SERVICE = "pabal"


class Vault(Protocol):
    """Where scripts keep secrets, by name."""

    def get(self, key: str) -> str | None:
        """A secret, None where there is none of that name."""
        ...

    def set(self, key: str, value: str) -> None:
        """Keep a secret."""
        ...

    def unset(self, key: str) -> None:
        """Forget a secret."""
        ...


class VaultError(Exception):
    """A vault that does not do what it is asked for, in words for the script that asked."""


class Memory:
    """Secrets read from a file. What scripts set is there until the run is over: the file stays as it is."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def get(self, key: str) -> str | None:
        """A secret, None where there is none of that name."""
        return self._values.get(key)

    def set(self, key: str, value: str) -> None:
        """Keep a secret."""
        self._values[key] = value

    def unset(self, key: str) -> None:
        """Forget a secret."""
        self._values.pop(key, None)


class Keyring:
    """The secrets of one service in the operating system's keyring; they stay there after the run."""

    def __init__(self, keyring: Any, service: str) -> None:
        self._keyring, self._service = keyring, service

    def get(self, key: str) -> str | None:
        """A secret, None where there is none of that name.

        Raises:
            VaultError: the keyring is locked, or there is none.
        """
        found: str | None = self._tried(self._keyring.get_password, key)
        return found

    def set(self, key: str, value: str) -> None:
        """Keep a secret.

        Raises:
            VaultError: the keyring is locked, or there is none.
        """
        self._tried(self._keyring.set_password, key, value)

    def unset(self, key: str) -> None:
        """Forget a secret.

        Raises:
            VaultError: the keyring is locked, or there is none.
        """
        if self.get(key) is not None:
            self._tried(self._keyring.delete_password, key)

    def _tried(self, work: Callable[..., Any], *args: str) -> Any:
        try:
            return work(self._service, *args)
        except self._keyring.errors.KeyringError as error:
            raise VaultError(f"the keyring does not answer: {error}") from error


def open_vault(place: str) -> Vault:
    """The vault of `--vault`: `keyring`, `keyring:SERVICE`, or a file, JSON (an object of names and values) or `.env`.

    Raises:
        UsageError: the keyring is asked for and its package is not installed.
        LoadError: the file cannot be read, or is no such object.
    """
    kind, _, service = place.partition(":")
    if kind == KEYRING and not Path(place).exists():
        return Keyring(_keyring(), service or SERVICE)
    return Memory(_json_values(place) if Path(place).suffix.lower() == ".json" else read_env_file(place))


def _keyring() -> Any:
    try:
        return import_module("keyring")
    except ImportError:
        hint = "install it (pip install keyring), or name a file with --vault"
        raise UsageError("the keyring needs the package keyring, which is not installed", hint=hint) from None


def _json_values(path: str) -> Mapping[str, str]:
    found = read_json(path)
    if not isinstance(found, dict):
        raise LoadError(f"expected an object of names and values, found {kind_of(found)}", where=path)
    for key, value in found.items():
        if not isinstance(value, str | int | float):
            raise LoadError(f"the value of {key!r} is neither text nor a number but {kind_of(value)}", where=path)
    return {key: js_text(value) for key, value in found.items()}
