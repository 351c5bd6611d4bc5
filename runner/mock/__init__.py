"""Saved examples in the servers' place: within a run (`--mock`, no network at all), or as a server (`pabal mock`)."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from runner.errors import SendError
from runner.extension import Extension
from runner.mock.match import Asked, Saved, best, header_pairs, query_of, saved_examples
from runner.model import Collection, Prepared, Response

NOTE = "mocked"


class Mock(Extension):
    """Answers every request of a run with the example that fits it best; the wire is never reached."""

    name = "mock"

    def __init__(self, collection: Collection, replace: Callable[[str], str]) -> None:
        self._collection, self._replace = collection, replace
        self._examples: tuple[Saved, ...] | None = None

    def answer(self, prepared: Prepared) -> Response:
        """The saved answer.

        Raises:
            SendError: there is none.
        """
        if self._examples is None:
            self._examples = saved_examples(self._collection, self._replace)
        saved = best(asked(prepared), self._examples)
        if saved is None:
            raise SendError(
                f"no saved example answers {prepared.method} {urlsplit(prepared.url).path or '/'}",
                code="ENOEXAMPLE",
                hint="save one in Postman, or record them with a run: --record",
            )
        return response(saved, prepared)


def asked(prepared: Prepared) -> Asked:
    """A request as the matching sees it."""
    url = urlsplit(prepared.url)
    headers = {name.lower(): value for name, value in prepared.headers}
    return Asked(method=prepared.method, path=url.path, query=query_of(url.query), headers=headers)


def response(saved: Saved, prepared: Prepared) -> Response:
    """An example as if a server had sent it."""
    example = saved.example
    body = body_of(saved)
    headers = header_pairs(example.headers)
    return Response(
        code=example.code,
        reason=example.status or reason(example.code),
        url=prepared.url,
        headers=headers,
        body=body,
        wire_size=len(body),
        header_size=sum(len(name) + len(value) + 4 for name, value in headers),
        note=f"{NOTE}: {example.name}" if example.name else NOTE,
        sent=prepared,
    )


def body_of(saved: Saved) -> bytes:
    """An example's body, in UTF-8."""
    return (saved.example.body or "").encode("utf-8", "surrogatepass")


def reason(code: int) -> str:
    """The usual words for a status code, none for an unusual one."""
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""
