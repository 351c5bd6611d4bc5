"""The one place where secrets are taken out: between the engine and the reporters, so that no reporter can forget."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

from runner import events
from runner.events import Place, RunEvent
from runner.model import Auth, Collection, Cookie, Environment, Folder, Item, Prepared, Request, Response, Url
from runner.sandbox import ScriptError
from runner.secrets import STARS, Secrets, mask

_Made = TypeVar("_Made")
_FIRST = 65_536
"""Bytes of a body in which new secrets are looked for, so that they are known in other places too."""
_NAME = re.compile(r"\{\{([^{}]*)\}\}")
_SETTINGS = frozenset({"addTokenTo", "queryParamKey"})
"""Parameters of auth that say where a token goes; their values are plain words."""


def redacted(happenings: Iterable[RunEvent], secrets: Secrets, *, bodies: bool = True) -> Iterator[RunEvent]:
    """The same events without secrets; what they show of new ones is learned on the way.

    With `bodies` False, for reporters that show names and numbers only, headers, cookies and bodies, the definitions of
    items and the collection's content are left out of the events, which saves the search through them.
    """
    redactor = _Redactor(secrets, bodies)
    for event in happenings:
        yield redactor.clean(event)


class _Values:
    """Hides secrets in values of any shape, by key and by text. Each container is copied once, so that cycles stay cycles."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._copies: dict[int, Any] = {}

    def hide(self, value: Any) -> Any:
        """The value with its secrets hidden."""
        if isinstance(value, str):
            return self._secrets.hide(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return mask(text) if self._secrets.knows(text := str(value)) else value
        if id(value) in self._copies:
            return self._copies[id(value)]
        if isinstance(value, Mapping | list):
            try:
                return self._mapping(value) if isinstance(value, Mapping) else self._list(value)
            except RecursionError:  # what lies too deep to look at is not shown
                return STARS
        return self._other(value)

    def _list(self, value: list[Any]) -> list[Any]:
        copy = self._copies[id(value)] = []
        copy.extend(self.hide(part) for part in value)
        return copy

    def _other(self, value: Any) -> Any:
        if isinstance(value, tuple | set | frozenset):
            return type(value)(self.hide(part) for part in value)
        if isinstance(value, bytes | bytearray):
            return self._secrets.hide_bytes(bytes(value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._fields(value)
        return value

    def under(self, name: str, value: Any, type: str = "any") -> Any:
        """The value of a variable, parameter or field of this name."""
        if value is None or isinstance(value, bool) or value == "" or not self._secrets.is_secret(name, type):
            return self.hide(value)
        return self._mask(value)

    def _mask(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self.hide(key): self._mask(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self._mask(part) for part in value]
        return value if value is None or isinstance(value, bool) else mask(str(value))

    def _mapping(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        copy = self._copies[id(value)] = {}
        for key, part in value.items():
            copy[self.hide(key)] = self.under(key, part) if isinstance(key, str) else self.hide(part)
        # Postman's {key, value, type}: a header, parameter or variable
        if isinstance(name := value.get("key"), str) and "value" in value:
            copy["value"] = self.under(name, value["value"], str(value.get("type")))
        return copy

    def _fields(self, value: Any) -> Any:
        fields = {part.name: self.hide(getattr(value, part.name)) for part in dataclasses.fields(value) if part.init}
        if isinstance(name := getattr(value, "key", None), str) and "value" in fields:
            fields["value"] = self.under(name, value.value, str(fields.get("type")))
        if isinstance(value, Auth):
            fields["params"] = _hide_auth(value, fields["params"])
        if isinstance(value, Url) and value.auth:
            fields["auth"] = _hide_user_info(value.auth)
        return dataclasses.replace(value, **fields)


def _changed(value: _Made, /, **fields: Any) -> _Made:
    """The same value where none of the fields is new; else a copy, made in half the time that `dataclasses.replace` takes."""
    for name, field in fields.items():
        if getattr(value, name) is not field:
            kept = {name: getattr(value, name) for name in value.__slots__ if name not in fields}  # type: ignore[attr-defined]
            return type(value)(**kept, **fields)
    return value


def _hide_auth(auth: Auth, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """An API key is secret whatever the header is called."""
    value = auth.params.get("value")
    if auth.type == "apikey" and isinstance(value, str) and "{{" not in value:
        return {**params, "value": mask(value)}
    return params


def _hide_user_info(text: str) -> str:
    user, colon, password = text.partition(":")
    return f"{user}:{mask(password)}" if colon and not _NAME.fullmatch(password) else text


def credentials(auth: Auth, secrets: Secrets) -> Iterator[tuple[str, str]]:
    """Name and value of an auth's parameters that are secret."""
    for key, value in auth.params.items():
        if (
            isinstance(value, str)
            and key not in _SETTINGS
            and (secrets.is_secret(key) or (auth.type, key) == ("apikey", "value"))
        ):
            yield key, value


def _hide_deep(secrets: Secrets, value: _Made) -> _Made:
    hidden: _Made = _Values(secrets).hide(value)
    return hidden


class _Redactor:
    """The state between events: the items and places already cleaned."""

    def __init__(self, secrets: Secrets, bodies: bool) -> None:
        self._secrets = secrets
        self._bodies = bodies
        self._place: tuple[Place | None, int, Place | None] = (None, -1, None)
        self._items: dict[int, tuple[Item, int, Item]] = {}

    def clean(self, event: RunEvent) -> RunEvent:
        cleaner = self._cleaners.get(type(event))
        return cleaner(self, event) if cleaner else event

    def _clean_place(self, place: Place) -> Place:
        known, version, cleaned = self._place
        if cleaned is None or known is not place or version != self._secrets.version:
            path = tuple(map(self._secrets.hide, place.path))
            cleaned = _changed(place, item=self._item(place.item), path=path)
            self._place = (place, self._secrets.version, cleaned)
        return cleaned

    def _item(self, item: Item) -> Item:
        known, version, cleaned = self._items.get(id(item), (None, -1, item))
        if known is not item or version != self._secrets.version:
            cleaned = _hide_deep(self._secrets, item) if self._bodies else self._outline(item)
            self._items[id(item)] = (item, self._secrets.version, cleaned)
        return cleaned

    def _outline(self, item: Item) -> Item:
        return Item(id=item.id, name=self._secrets.hide(item.name), request=Request(url=Url(), method=item.request.method))

    def _run_started(self, event: events.RunStarted) -> RunEvent:
        return _changed(event, **self._content(event))

    def _run_finished(self, event: events.RunFinished) -> RunEvent:
        return _changed(
            event,
            **self._content(event),
            unresolved=tuple(map(self._secrets.hide, event.unresolved)),
            error=self._optional(event.error),
            bail=self._optional(event.bail),
        )

    def _content(self, event: events.RunStarted | events.RunFinished) -> dict[str, Any]:
        """Collection and scopes as they may be shown; what they hold is learned first."""
        self._learn_run(event)
        return {
            "collection": self._collection(event.collection),
            "environment": self._environment(event.environment),
            "globals": self._environment(event.globals),
        }

    def _learn_run(self, event: events.RunStarted | events.RunFinished) -> None:
        """Variables that are secret by their name or type, and those that the collection's auth is made of."""
        values: dict[str, str] = {}
        for scope in (event.globals.values, event.collection.variables, event.environment.values):
            for variable in scope:
                self._secrets.learn(variable.key, variable.value, variable.type, lasting=True)
                if not variable.disabled and isinstance(variable.value, str):
                    values[variable.key] = variable.value
        self._learn_auth(event.collection, values)

    def _learn_auth(self, folder: Folder, values: Mapping[str, str]) -> None:
        """Credentials written into the collection itself, or into variables it names."""
        owners: list[Folder | Request] = [folder]
        for child in folder.items:
            if isinstance(child, Folder):
                self._learn_auth(child, values)
            else:
                owners.append(child.request)
        for auth in (owner.auth for owner in owners if owner.auth):
            for _, written in credentials(auth, self._secrets):
                value = _NAME.sub(lambda name: values.get(name[1], name[0]), written)
                if "{{" not in value:
                    self._secrets.learn_value(value, lasting=True)

    def _collection(self, collection: Collection) -> Collection:
        if self._bodies:
            return _hide_deep(self._secrets, collection)
        variables = _hide_deep(self._secrets, collection.variables)
        name = self._secrets.hide(collection.name)
        return dataclasses.replace(collection, name=name, variables=variables, items=(), events=(), auth=None)

    def _environment(self, environment: Environment) -> Environment:
        return _changed(environment, values=_hide_deep(self._secrets, environment.values))

    def _iteration_started(self, event: events.IterationStarted) -> RunEvent:
        for key, value in event.data.items():
            self._secrets.learn(key, value)
        return _changed(event, data=_hide_deep(self._secrets, event.data))

    def _request_sent(self, event: events.RequestSent) -> RunEvent:
        """A token that a server has just given out is learned here, before a script can write it to the console."""
        self._learn_prepared(event.prepared)
        if event.response:
            self._learn_headers(event.response.headers)
            self._learn_body(event.response.body)
        prepared, response = self._prepared(event.prepared), event.response
        if response:
            response = self._response(response, event.prepared, prepared)
        place, error = self._clean_place(event.place), self._optional(event.error)
        return _changed(event, place=place, prepared=prepared, response=response, error=error)

    def _request_planned(self, event: events.RequestPlanned) -> RunEvent:
        self._learn_prepared(event.prepared)
        place, objection = self._clean_place(event.place), self._secrets.hide(event.objection)
        return _changed(event, place=place, prepared=self._prepared(event.prepared), objection=objection)

    def _learn_prepared(self, prepared: Prepared) -> None:
        if prepared.request:
            self._learn_sent(prepared.request)
        self._learn_headers(prepared.headers)
        self._learn_body(prepared.body)

    def _learn_headers(self, headers: tuple[tuple[str, str], ...]) -> None:
        for name, value in headers:
            self._secrets.learn_header(name, value)

    def _learn_body(self, body: bytes | None) -> None:
        if body and b"\0" not in body[:512]:
            self._secrets.learn_fields(body[:_FIRST].decode("utf-8", "replace"))

    def _learn_sent(self, request: Request) -> None:
        """What the request is signed with, as it is now that variables are put in, and the fields of a multipart body."""
        if request.auth:
            for _, value in credentials(request.auth, self._secrets):
                self._secrets.learn_value(value)
        if request.url.auth:
            self._secrets.learn_value(request.url.auth.partition(":")[2])
        for field in request.body.formdata if request.body else ():
            self._secrets.learn(field.key, field.value)

    def _prepared(self, prepared: Prepared) -> Prepared:
        return _changed(
            prepared,
            url=self._secrets.hide(prepared.url),
            headers=self._headers(prepared.headers),
            body=self._body(prepared.body),
            request=_hide_deep(self._secrets, prepared.request) if self._bodies else None,
            warnings=tuple(map(self._secrets.hide, prepared.warnings)),
        )

    def _response(self, response: Response, asked: Prepared, shown: Prepared) -> Response:
        """`shown` is the request `asked` without its secrets, which often serves for what was sent, too."""
        sent = shown if response.sent is asked else response.sent and self._bodies and self._prepared(response.sent)
        return _changed(
            response,
            reason=self._secrets.hide(response.reason),
            url=shown.url if response.url == asked.url else self._secrets.hide(response.url),
            headers=self._headers(response.headers),
            body=self._body(response.body) or b"",
            cookies=tuple(self._cookie(cookie) for cookie in response.cookies) if self._bodies else (),
            note=self._secrets.hide(response.note),
            sent=sent or None,
        )

    def _headers(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        if not self._bodies:
            return ()
        hidden = tuple((name, self._secrets.hide_header(name, value)) for name, value in headers)
        return headers if hidden == headers else hidden

    def _body(self, body: bytes | None) -> bytes | None:
        return self._secrets.hide_bytes(body) if body and self._bodies else None

    def _cookie(self, cookie: Cookie) -> Cookie:
        return _changed(cookie, value=mask(cookie.value), path=self._secrets.hide(cookie.path))

    def _console(self, event: events.ConsoleWritten) -> RunEvent:
        messages = _hide_deep(self._secrets, event.console.messages)
        messages = messages if isinstance(messages, tuple) else (messages,)
        return _changed(event, place=self._clean_place(event.place), console=_changed(event.console, messages=messages))

    def _asserted(self, event: events.Asserted) -> RunEvent:
        assertion = event.assertion
        error = self._error(assertion.error) if assertion.error else None
        assertion = _changed(assertion, name=self._secrets.hide(assertion.name), error=error)
        return _changed(event, place=self._clean_place(event.place), assertion=assertion)

    def _script_failed(self, event: events.ScriptFailed) -> RunEvent:
        where = self._secrets.hide(event.where)
        return _changed(event, place=self._clean_place(event.place), where=where, error=self._error(event.error))

    def _script_finished(self, event: events.ScriptFinished) -> RunEvent:
        return _changed(
            event,
            place=self._clean_place(event.place),
            where=self._secrets.hide(event.where),
            next_request=self._optional(event.next_request),
            visualizer=_hide_deep(self._secrets, event.visualizer) if self._bodies else None,
        )

    def _noted(self, event: events.Noted) -> RunEvent:
        place = self._clean_place(event.place) if event.place else None
        return _changed(event, place=place, text=self._secrets.hide(event.text))

    def _placed(self, event: events.ItemStarted | events.ItemFinished) -> RunEvent:
        return _changed(event, place=self._clean_place(event.place))

    def _item_skipped(self, event: events.ItemSkipped) -> RunEvent:
        return _changed(event, place=self._clean_place(event.place), reason=self._secrets.hide(event.reason))

    def _error(self, error: ScriptError) -> ScriptError:
        hide = self._secrets.hide
        return _changed(
            error,
            name=hide(error.name),
            message=hide(error.message),
            stack=hide(error.stack),
            actual=self._optional(error.actual),
            expected=self._optional(error.expected),
        )

    def _optional(self, text: str | None) -> str | None:
        return None if text is None else self._secrets.hide(text)

    _cleaners: ClassVar[dict[type[RunEvent], Callable[[_Redactor, Any], RunEvent]]] = {
        events.RunStarted: _run_started,
        events.RunFinished: _run_finished,
        events.IterationStarted: _iteration_started,
        events.RequestSent: _request_sent,
        events.RequestPlanned: _request_planned,
        events.ConsoleWritten: _console,
        events.Asserted: _asserted,
        events.ScriptFailed: _script_failed,
        events.ScriptFinished: _script_finished,
        events.Noted: _noted,
        events.ItemSkipped: _item_skipped,
        events.ItemStarted: _placed,
        events.ItemFinished: _placed,
    }
