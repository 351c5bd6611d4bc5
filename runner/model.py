"""What a collection is once it has been read: frozen values, one shape for every Postman format.

`load` makes these from files and `request` turns an item's `Request` into a `Prepared`; nothing here does any work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object as it crosses to a file, a report or the sandbox."""


class MadeUpId(str):
    """The id of what has none in its file: another one each time that is loaded."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of a scope; `type` is Postman's (any, default, string, number, boolean, secret …)."""

    key: str
    value: Any = None
    type: str = "any"
    disabled: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A variable set or, with `unset`, removed by a script."""

    key: str
    value: Any = None
    unset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment or globals file."""

    id: str = ""
    name: str = ""
    values: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A header, query parameter or urlencoded field. `value` None is Postman's null: the key goes out alone."""

    key: str
    value: str | None = ""
    disabled: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormParam:
    """A multipart field: text in `value`, or files named in `src`."""

    key: str
    value: str | None = ""
    type: str = "text"
    src: tuple[str, ...] = ()
    content_type: str | None = None
    file_name: str | None = None
    disabled: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A URL as written, in parts; every part may hold `{{variables}}`. `text` is only set for a URL given as a plain string."""

    text: str | None = None
    protocol: str | None = None
    auth: str | None = None
    host: tuple[str, ...] = ()
    port: str | None = None
    path: tuple[str, ...] = ()
    query: tuple[Param, ...] = ()
    hash: str | None = None
    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request body. `mode` is raw, urlencoded, formdata, file or graphql; only that mode's field counts."""

    mode: str
    raw: str = ""
    urlencoded: tuple[Param, ...] = ()
    formdata: tuple[FormParam, ...] = ()
    file_src: str | None = None
    file_content: str | None = None
    graphql: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    content_type: str | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How a request is signed; `type` is Postman's name of the scheme, `params` its settings by key."""

    type: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A script and when it runs: `listen` is prerequest or test."""

    listen: str
    code: str
    id: str = ""
    disabled: bool = False
    packages: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as written in the collection, or as a script left it."""

    url: Url
    method: str = "GET"
    headers: tuple[Param, ...] = ()
    body: Body | None = None
    auth: Auth | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A saved response of an item. `language` is how Postman shows the body; `rest` is what only exports need, as it was read."""

    name: str
    id: str = ""
    code: int = 200
    status: str = ""
    headers: tuple[Param, ...] = ()
    body: str | None = None
    language: str = ""
    request: Request | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A request with its scripts. `behavior` is Postman's protocolProfileBehavior."""

    id: str
    name: str
    request: Request
    events: tuple[Event, ...] = ()
    behavior: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A named group of items and folders; what it carries is inherited by all below it."""

    id: str
    name: str
    items: tuple[Item | Folder, ...] = ()
    events: tuple[Event, ...] = ()
    auth: Auth | None = None
    behavior: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    def walk(self) -> Iterator[Item]:
        """All items below, depth first, in the order they run."""
        for child in self.items:
            if isinstance(child, Folder):
                yield from child.walk()
            else:
                yield child


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(Folder):
    """The root folder, with the collection's variables. `schema` is the format it was read from."""

    variables: tuple[Variable, ...] = ()
    schema: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A request ready to go out: final URL, headers in wire order, body bytes.

    `request` is the same request in Postman's terms, variables resolved: what scripts see as `pm.request` afterwards.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    system_headers: frozenset[str] = frozenset()
    behavior: Mapping[str, Any] = field(default_factory=dict)
    request: Request | None = None
    warnings: tuple[str, ...] = ()

    def header(self, name: str) -> str | None:
        """The last value of a header, by any case of its name."""
        wanted = name.lower()
        return next((value for key, value in reversed(self.headers) if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie as the jar keeps it. `expires` is seconds since 1970, None for a session cookie."""

    name: str
    value: str
    domain: str
    path: str = "/"
    expires: float | None = None
    secure: bool = False
    http_only: bool = False
    host_only: bool = True
    same_site: str | None = None
    created: float = 0.0
    accessed: float = 0.0
    path_is_default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Milliseconds a request spent in each phase (0.0: not needed, as on a kept connection)."""

    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    download: float = 0.0
    total: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back: the last hop's answer, body decoded. `wire_size` and `header_size` are bytes on the wire.

    `sent` is the request of the first hop as it really went out, with the jar's cookies; `note` says when no server was asked.
    """

    code: int
    reason: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    cookies: tuple[Cookie, ...] = ()
    timings: Timings = field(default_factory=Timings)
    wire_size: int = 0
    header_size: int = 0
    note: str = ""
    sent: Prepared | None = None

    def header(self, name: str) -> str | None:
        """The last value of a header, by any case of its name."""
        wanted = name.lower()
        return next((value for key, value in reversed(self.headers) if key.lower() == wanted), None)
