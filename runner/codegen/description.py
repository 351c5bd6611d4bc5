"""What code is generated from: one request, taken apart for a reader, with every value that is not to be written down as a hole.

A `Description` is made by `describe` from the runner's own `resolve` and `prepare`; targets only read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from runner.codegen.names import environ_name
from runner.codegen.remarks import Remarks
from runner.model import Prepared

Source: TypeAlias = Literal["environ", "argument", "computed", "stored", "masked"]
Quoting: TypeAlias = Literal["", "path", "query", "form"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A value that code fetches when it runs: `name` is the variable's, or one made up for a secret that stands in the request.

    `source` environ is `os.environ[key]`, argument a named parameter `key`, computed the expression `key`, stored what a
    request of `first` has brought, masked a value to be filled in by hand. `default` is what it is where nothing else is
    said, None if that has to be. `value` is what it was when the code was generated, for checking; that of a `secret` is never
    written.
    """

    name: str
    source: Source
    key: str
    value: str = ""
    default: str | None = None
    secret: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nobody knows its value yet."""
        return self.source == "argument" and self.default is None and not self.secret

    @property
    def environ(self) -> str:
        """The variable of the process environment that it comes from, where it does."""
        return environ_name(self.name) if self.source == "argument" else self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A hole in a text; `quoting` says how its value is percent-encoded there."""

    hole: Hole
    quoting: Quoting = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with holes."""

    parts: tuple[str | Use, ...] = ()

    @classmethod
    def of(cls, text: str) -> Text:
        """A text without holes."""
        return cls((text,)) if text else cls()

    @property
    def plain(self) -> str | None:
        """The text, None if it has holes."""
        return None if any(isinstance(part, Use) for part in self.parts) else "".join(map(str, self.parts))

    @property
    def hole(self) -> Hole | None:
        """The hole, where the text is nothing else."""
        match self.parts:
            case (Use(quoting="") as use,):
                return use.hole
        return None

    def holes(self) -> Iterator[Hole]:
        """The holes, in order."""
        return (part.hole for part in self.parts if isinstance(part, Use))

    def quoted(self, quoting: Quoting) -> Text:
        """The same text with its holes percent-encoded in another way."""
        return Text(tuple([replace(part, quoting=quoting) if isinstance(part, Use) else part for part in self.parts]))

    def __add__(self, other: Text) -> Text:
        match self.parts, other.parts:
            case (*head, str(end)), (str(start), *tail):
                return Text((*head, end + start, *tail))
        return Text((*self.parts, *other.parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the request goes. `base` + encoded `query` is the exact URL.

    `params` are the decoded parameters where `urlencode` gives that very query again, else None.
    """

    base: Text
    query: Text | None = None
    params: tuple[tuple[Text, Text], ...] | None = None

    @property
    def exact(self) -> Text:
        """The whole URL, as the runner sends it."""
        return self.base if self.query is None else self.base + Text.of("?") + self.query


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBody:
    """JSON that survives being parsed and written again. In `value` a hole is a `Text` that is nothing else."""

    value: Any
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBody:
    """Text, sent as UTF-8."""

    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesBody:
    """Bytes that are no text."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FormBody:
    """An urlencoded form: its fields in the order they are sent, and the text that the runner sends."""

    fields: tuple[tuple[Text, Text], ...]
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a multipart form: text, or a file when `path` is set. `data` is a file's content written into the collection."""

    name: Text
    value: Text = field(default_factory=Text)
    path: str | None = None
    data: bytes | None = None
    file_name: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipartBody:
    """A multipart form; `boundary` is set where the user's own Content-Type names one."""

    parts: tuple[Part, ...]
    boundary: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBody:
    """A file as the whole body; its path is as written in the collection."""

    path: str


Body: TypeAlias = JsonBody | TextBody | BytesBody | FormBody | MultipartBody | FileBody


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Auth that the headers do not hold yet, because it needs a challenge, the time, or a secret worked in.

    `params` are Postman's, by name; texts among them may have holes.
    """

    type: str
    params: Mapping[str, Text] = field(default_factory=dict)

    def text(self, name: str) -> Text:
        """A parameter; empty where it is missing."""
        return self.params.get(name, Text())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How it is sent: redirects, TLS, cookies; `timeout` is in seconds, None for none.

    `unsent` are headers in lower case that are not to be sent though every client has them; `referer` is about redirects.
    """

    follow: bool = True
    limit: int = 10
    keep_method: bool = False
    keep_authorization: bool = False
    verify: bool = True
    referer: bool = True
    cookies: bool = True
    unsent: frozenset[str] = frozenset()
    tls_disabled: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    timeout: float | None = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """Something a reader of the code should know. `code` is stable, for machines; `text` is for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """A request that a script sends before this one; `stores` are variables it sets, and the keys to their values in the JSON."""

    request: Description
    stores: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One request. `path` are the folders it is in; `headers` are those that no HTTP library adds by itself.

    `blanks` are those around the values of headers, by name, which are written in the collection but are no part of a value.
    `prepared` is what the runner sends, auth included where it is the same each time; `again` what it would send the next
    time, where that is something else. `first` are requests a script sends
    before. `guarded` says why a run would not let it out unless the user allows it: code must not send it by just being run.
    `source` says which collection and which id it has, where all of it is to be told.
    `changes` says that it changes an account, whoever allows it.
    """

    name: str
    path: tuple[str, ...]
    method: str
    address: Address
    prepared: Prepared
    headers: tuple[tuple[str, Text], ...] = ()
    blanks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    body: Body | None = None
    auth: Auth | None = None
    rules: Rules = field(default_factory=Rules)
    holes: tuple[Hole, ...] = ()
    first: tuple[First, ...] = ()
    notes: str = ""
    source: str = ""
    guarded: str = ""
    changes: bool = False
    again: Prepared | None = None
    remarks: Remarks = field(default_factory=Remarks)
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """What holes hold while the code is checked, by name."""
        return {hole.name: hole.value for hole in self.holes}

    @property
    def title(self) -> str:
        """The request's place in the words of the collection."""
        return " › ".join((*self.path, self.name))
