"""A collection written down in Python: folders, requests as Postman has them, and scripts that are Python functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.codegen.support.pm import Script
from runner.codegen.support.sandbox import JavaScript
from runner.dump import url_json
from runner.load import collection_from_json
from runner.model import Collection, Environment, Json, Url, Variable
from runner.url import as_parts

if TYPE_CHECKING:
    from runner.testing.run import Run

Header: TypeAlias = tuple[str, str] | Json
"""Name and value, or Postman's form for one that is switched off or has no value."""


Scripts: TypeAlias = Sequence[Script | JavaScript]


@dataclass(frozen=True, slots=True)
class Test:
    """A request of a suite, as `Run.item` takes it."""

    __test__ = False
    id: str
    name: str


class Group:
    """A folder of a suite."""

    def __init__(self, suite: Suite, node: Json) -> None:
        self._suite = suite
        self._node = node

    def folder(
        self,
        name: str,
        *,
        auth: Json | None = None,
        behavior: Json | None = None,
        prerequest: Scripts = (),
        test: Scripts = (),
    ) -> Group:
        """A folder in this one; auth, scripts and behaviour count for all in it."""
        node = self._suite.node(name, {}, auth=auth, behavior=behavior, prerequest=prerequest, test=test)
        node["item"] = []
        self._node["item"].append(node)
        return Group(self._suite, node)

    def request(
        self,
        name: str,
        method: str,
        url: str | Json,
        *,
        path_variables: Mapping[str, Any] | None = None,
        headers: Sequence[Header] = (),
        body: str | Json | None = None,
        language: str = "",
        auth: Json | None = None,
        behavior: Json | None = None,
        prerequest: Scripts = (),
        test: Scripts = (),
        id: str = "",
    ) -> Test:
        """A request in this folder.

        `path_variables` are those of the URL's text, `:id` and the like. `body` is the text of a raw body, and `language` what it
        is written in (json, xml …), or Postman's form of another.
        """
        request: Json = {"method": method, "url": _url(url, path_variables), "header": [_header(each) for each in headers]}
        if body is not None:
            request["body"] = _raw(body, language) if isinstance(body, str) else body
        if auth is not None:
            request["auth"] = auth
        node = self._suite.node(name, {"request": request}, behavior=behavior, prerequest=prerequest, test=test, id=id)
        self._node["item"].append(node)
        return Test(node["id"], name)


class Suite(Group):
    """The collection: what is defined in it comes in that order. `variables` are the collection's own."""

    def __init__(
        self,
        name: str,
        *,
        variables: Mapping[str, Any] | None = None,
        auth: Json | None = None,
        behavior: Json | None = None,
        prerequest: Scripts = (),
        test: Scripts = (),
    ) -> None:
        self._count = 0
        self.scripts: dict[str, Script] = {}
        """The translated scripts, by what stands in the collection in their place."""
        node = self.node(name, {}, auth=auth, behavior=behavior, prerequest=prerequest, test=test)
        node["item"] = []
        node["info"] = {"name": name}
        node["variable"] = [{"key": key, "value": value} for key, value in (variables or {}).items()]
        super().__init__(self, node)

    def collection(self) -> Collection:
        """The suite as the runner knows collections."""
        return collection_from_json(self._node)

    def run(self, environment: Mapping[str, Any] | Environment, environ: Mapping[str, str], **settings: Any) -> Run:
        """A run of the suite, to be used as a context manager; see `Run`."""
        from runner.testing.run import Run

        return Run(self, environment, environ, **settings)

    def main(self, doc: str | None, environment: Mapping[str, Any], environ: Mapping[str, str], **settings: Any) -> int:
        """Run the suite as a program, which `doc` is about; the exit status. See `runner.testing.program`."""
        from runner.testing.program import main

        return main(self, doc, environment, environ, **settings)

    def node(
        self,
        name: str,
        start: Json,
        *,
        auth: Json | None = None,
        behavior: Json | None = None,
        prerequest: Scripts = (),
        test: Scripts = (),
        id: str = "",
    ) -> Json:
        """A folder or request in Postman's JSON."""
        self._count += 1
        node: Json = {"id": id or f"{self._count}", "name": name, **start}
        if auth is not None:
            node["auth"] = auth
        if behavior:
            node["protocolProfileBehavior"] = behavior
        node["event"] = [self._event("prerequest", each) for each in prerequest] + [self._event("test", each) for each in test]
        return node

    def _event(self, listen: str, script: Script | JavaScript) -> Json:
        if isinstance(script, JavaScript):
            return {"listen": listen, "script": {"exec": script.code, "packages": script.packages}}
        code = f"{getattr(script, '__name__', 'script')}(pm)"
        if self.scripts.get(code, script) is not script:
            raise ValueError(f"two scripts of this suite are called {code}")
        self.scripts[code] = script
        return {"listen": listen, "script": {"exec": code}}


def _header(header: Header) -> Json:
    return {"key": header[0], "value": header[1]} if isinstance(header, tuple) else header


def _url(url: str | Json, path_variables: Mapping[str, Any] | None) -> str | Json:
    if not (isinstance(url, str) and path_variables):
        return url
    variables = tuple([Variable(key=key, value=value) for key, value in path_variables.items()])
    return url_json(replace(as_parts(Url(text=url)), variables=variables))


def _raw(text: str, language: str) -> Json:
    body: Json = {"mode": "raw", "raw": text}
    return body | {"options": {"raw": {"language": language}}} if language else body
