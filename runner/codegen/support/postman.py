"""The globals older scripts use: `postman`, and the tables `environment`, `globals`, `request`, `responseHeaders` …"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.codegen.support.values import key_text, text, truthy, undefined
from runner.load import request_from_json
from runner.model import Json, Param
from runner.url import unparse

if TYPE_CHECKING:
    from runner.codegen.support.pm import Pm, Variables


class Postman:
    """`postman`. `environment` and `globals` are copies from the script's start that only `postman`'s own methods change."""

    def __init__(self, pm: Pm) -> None:
        self._pm = pm
        self.environment: dict[str, Any] = pm.environment.to_object()
        self.globals: dict[str, Any] = pm.globals.to_object()

    def get_environment_variable(self, name: Any) -> Any:
        """The value of an environment variable."""
        return self._pm.environment.get(name)

    def get_global_variable(self, name: Any) -> Any:
        """The value of a global variable."""
        return self._pm.globals.get(name)

    def set_environment_variable(self, name: Any, value: Any) -> Any:
        """Give an environment variable a value, as text; 0, false, null and undefined stay what they are."""
        return self._set(self._pm.environment, self.environment, name, value)

    def set_global_variable(self, name: Any, value: Any) -> Any:
        """Give a global variable a value, as text."""
        return self._set(self._pm.globals, self.globals, name, value)

    def _set(self, scope: Variables, copy: dict[str, Any], name: Any, value: Any) -> Any:
        written = text(value) if truthy(value) else value
        scope.set(name, written)
        copy[key_text(name)] = scope.get(name)
        return undefined

    def clear_environment_variable(self, name: Any) -> Any:
        """Remove an environment variable."""
        self.environment.pop(key_text(name), None)
        return self._pm.environment.unset(name)

    def clear_global_variable(self, name: Any) -> Any:
        """Remove a global variable."""
        self.globals.pop(key_text(name), None)
        return self._pm.globals.unset(name)

    def clear_environment_variables(self) -> Any:
        """Remove all environment variables."""
        self.environment.clear()
        return self._pm.environment.clear()

    def clear_global_variables(self) -> Any:
        """Remove all global variables."""
        self.globals.clear()
        return self._pm.globals.clear()

    @property
    def request(self) -> dict[str, Any]:
        """`request`."""
        seen = self._pm.execution
        request = request_from_json(self._pm.request.data)
        return {
            "id": seen.item_id,
            "name": seen.item_name,
            "description": request.description or undefined,
            "headers": {param.key.lower(): param.value for param in request.headers if not param.disabled},
            "method": request.method,
            "url": unparse(request.url),
            "data": _data(self._pm.request.data),
        }

    @property
    def response_code(self) -> dict[str, Any]:
        """`responseCode`."""
        response = self._pm.response
        if response.code is undefined:
            return {}
        return {"name": response.status, "detail": "", "code": response.code, "standardName": response.status}

    @property
    def response_headers(self) -> dict[str, Any]:
        """`responseHeaders`."""
        response = self._pm.execution.response or {}
        return {line["key"]: line["value"] for line in response.get("header", [])}

    @property
    def response_cookies(self) -> list[Any]:
        """`responseCookies`."""
        return [dict(cookie) for cookie in self._pm.execution.cookies]


def _data(request: Json) -> Any:
    """`request.data`: the text of a raw body, else the fields of a form by name, in a list where a name comes again."""
    body = request.get("body") or {}
    if body.get("mode") == "raw":
        return body.get("raw", "")
    read = request_from_json(request).body
    fields = (read.urlencoded or read.formdata) if read else ()
    found: dict[str, Any] = {}
    for param in fields:
        if not param.disabled:
            found[param.key] = _more(found, param.key, param.value) if isinstance(param, Param) or param.type == "text" else None
    return found


def _more(found: dict[str, Any], key: str, value: Any) -> Any:
    if key not in found:
        return value
    return [*(found[key] if isinstance(found[key], list) else [found[key]]), value]
