"""Where a run's files come from: a path, `-` for stdin, a URL, or an id at Postman's API.

The rules are Newman's (lib/run/secure-fs and lib/util): a URL must answer with 200, the API's key travels in a header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from runner import __version__
from runner.data import load_rows
from runner.errors import LoadError, SendError, UsageError
from runner.load import load_collection, load_environment, load_file
from runner.model import Collection, Environment, Json, Prepared, Response, Url
from runner.reading import Reader, read_bytes
from runner.url import host_header, parse, wire

Place: TypeAlias = str | Path
"""A path, `-`, an http or https URL, or the UID of a collection or environment."""

STDIN = "-"
POSTMAN_API = "https://api.postman.com"
_API_HOSTS = frozenset({"api.postman.com", "api.getpostman.com", "api.eu.postman.com"})
_ENDING = ".postman_collection.json"
_URL = re.compile(r"https?://", re.IGNORECASE)
_UID = re.compile(r"[0-9A-Z]+-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HINTS = {
    401: "the API key is missing or wrong: --postman-api-key",
    403: "the API key may not read this",
    404: "check the address or the UID",
    429: "the API's limit of calls is reached, try again later",
}


def spread(places: Sequence[Collection | Place]) -> Iterator[Collection | Place]:
    """The places, for a folder the collections in it, sorted by name.

    Raises:
        LoadError: there are none in a folder.
    """
    for place in places:
        if isinstance(place, Collection) or place == STDIN or not _is_folder(place):
            yield place
            continue
        found = sorted(Path(place).glob(f"*{_ENDING}"))
        if not found:
            raise LoadError(f"no file in this folder ends in {_ENDING}", where=str(place))
        yield from found


def _is_folder(place: Place) -> bool:
    """Whether this is a folder. What the system does not even take for a name is none, and neither is no name at all."""
    try:
        return bool(str(place)) and Path(place).is_dir()
    except OSError:
        return False


class Sources:
    """Reads what a run needs. `send` is the door out, `stdin` what `-` reads, `api` the address of Postman's API."""

    def __init__(
        self,
        *,
        send: Callable[[Prepared], Response],
        stdin: Callable[[], bytes] | None = None,
        api_key: str | None = None,
        api: str = POSTMAN_API,
    ) -> None:
        self._send = send
        self._stdin = stdin
        self._api_key = api_key
        self._api = api.rstrip("/")

    def collection(self, source: Collection | Place) -> Collection:
        """A collection that was handed over, or read from where it is.

        Raises:
            LoadError: it cannot be read or understood.
            UsageError: stdin is asked for twice.
        """
        return source if isinstance(source, Collection) else load_collection(source, self._reader("collections"))

    def either(self, place: Place) -> Collection | Environment:
        """A collection or an environment, whichever is there; raises as `collection` does."""
        return load_file(place, self._reader("collections"))

    def environment(self, source: Environment | Place) -> Environment:
        """An environment; raises as `collection` does."""
        return source if isinstance(source, Environment) else load_environment(source, self._reader("environments"))

    def globals(self, source: Environment | Place) -> Environment:
        """Globals, which have no UID; raises as `collection` does."""
        return source if isinstance(source, Environment) else load_environment(source, self._reader())

    def rows(self, source: Sequence[Json] | Place | None) -> Sequence[Json]:
        """Iteration data; raises as `collection` does."""
        return load_rows(source, self._reader()) if isinstance(source, str | Path) else source or ()

    def _reader(self, shelf: str = "") -> Reader:
        """What reads a place; `shelf` is where the API keeps things of this kind."""
        return lambda place: self._read(place, shelf)

    def _read(self, place: Place, shelf: str) -> bytes:
        if place == STDIN:
            return self._read_stdin()
        text = str(place)
        if _URL.match(text):
            return self._fetch(text)
        if not (shelf and _UID.fullmatch(text)) or Path(place).exists():
            return read_bytes(place)
        if not self._api_key:
            raise LoadError("is no file, and as a UID it needs an API key", where=text, hint="give it with --postman-api-key")
        return self._fetch(f"{self._api}/{shelf}/{text}")

    def _read_stdin(self) -> bytes:
        if self._stdin is None:
            raise UsageError("stdin can be read only once", hint="give one input as -, the others as files")
        read, self._stdin = self._stdin, None
        return read()

    def _fetch(self, address: str) -> bytes:
        url, key = self._without_key(replace(parse(address), variables=()))
        headers = [("User-Agent", f"pabal/{__version__}"), ("Accept", "*/*"), ("Accept-Encoding", "gzip, deflate, br")]
        headers += [("X-Api-Key", key)] if key else []
        # A key goes to the API and no further.
        behavior = {"followRedirects": not key, "disableCookies": True}
        where = wire(url)
        try:
            response = self._send(Prepared(method="GET", url=where, headers=tuple(headers), behavior=behavior))
        except SendError as error:
            raise LoadError(f"cannot be fetched: {error.what}", where=where, hint=error.hint) from error
        if response.code != 200:
            status = f"{response.code} {response.reason}".rstrip()
            raise LoadError(f"the server answered {status}, not 200", where=where, hint=_HINTS.get(response.code, ""))
        return response.body

    def _without_key(self, url: Url) -> tuple[Url, str | None]:
        """For the API's own hosts the URL without its `apikey`, and that or the one from the options; others see neither."""
        if host_header(url) not in {*_API_HOSTS, host_header(parse(self._api))}:
            return url, None
        given = next((param.value for param in url.query if param.key == "apikey"), None)
        return replace(url, query=tuple(param for param in url.query if param.key != "apikey")), given or self._api_key
