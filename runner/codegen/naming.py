"""What the folders and requests of a collection are called in code: by their names there, or by something else about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import normalize

from runner.codegen.romanise import romanised
from runner.errors import UsageError
from runner.model import Folder, Item, Request
from runner.secrets import Secrets
from runner.url import as_parts
from runner.variables import Scopes

WAYS = ("unicode", "ascii", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How code calls requests: `by` is unicode (their names), ascii (all romanised), path (method and path), or a header.

    Any other word than these three is the name of a header whose value is what its requests are called; secrets are no names,
    and requests without that header keep theirs. `prefix` is left out where a request's name begins with it.
    """

    by: str = "unicode"
    prefix: str = ""

    def variable(self, name: str) -> str:
        """The words of which the identifier of a variable is made."""
        return romanised(name) if self.by == "ascii" else name

    def of(self, owner: Folder | Item, scopes: Scopes, secrets: Secrets) -> str:
        """The words of which an identifier or the name of a file is made."""
        name = normalize("NFC", owner.name)
        if isinstance(owner, Folder):
            return self.variable(name)
        bare = name.removeprefix(self.prefix) or name
        match self.by:
            case "unicode":
                return bare
            case "ascii":
                return romanised(bare)
            case "path":
                segments = (segment.strip(":{}") for segment in as_parts(owner.request.url).path)
                return "_".join((owner.request.method.lower(), *filter(None, segments)))
        return self._by_header(owner.request, scopes, secrets) or bare

    def _by_header(self, request: Request, scopes: Scopes, secrets: Secrets) -> str:
        found = (scopes.replace(value).strip() for value in _headers(request, self.by))
        shown = next((value for value in found if secrets.hide_header(self.by, value) == value and "{{" not in value), "")
        return shown.lower() if shown.isupper() else shown


def naming_of(by: str, prefix: str, root: Folder) -> Naming:
    """The naming that the user wants for a collection.

    Raises:
        UsageError: no request has such a header, or a name with that prefix.
    """
    items = list(_items(root))
    if by not in WAYS and not any(list(_headers(item.request, by)) for item in items):
        ways = f"{', '.join(WAYS)}, or the name of a header that requests have"
        raise UsageError(f"no request can be named by {by!r}", hint=f"give {ways}")
    names = [normalize("NFC", item.name) for item in items]
    prefix = normalize("NFC", prefix)
    if names and prefix and not any(name.startswith(prefix) for name in names):
        head = re.match(r"[^\W_]+[\W_]", names[0])
        shared = head is not None and all(name.startswith(head[0]) for name in names)
        hint = f"they all begin with {head[0]!r}" if head and shared else ""
        raise UsageError(f"no request's name begins with {prefix!r}", hint=hint)
    return Naming(by=by, prefix=prefix)


def _items(folder: Folder) -> Iterator[Item]:
    for entry in folder.items:
        if isinstance(entry, Folder):
            yield from _items(entry)
        else:
            yield entry


def _headers(request: Request, name: str) -> Iterator[str]:
    """The values of a header that is sent."""
    return (param.value or "" for param in request.headers if not param.disabled and param.key.lower() == name.lower())
