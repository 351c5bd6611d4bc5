"""What a run can be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from runner.model import Environment, Json
from runner.plan import Settings
from runner.sources import POSTMAN_API

Source: TypeAlias = Environment | str | Path | None
"""An environment, or where it is: a path, `-`, a URL or a Postman UID."""


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
