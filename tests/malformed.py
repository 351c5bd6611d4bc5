"""A generator of input that is wrong, with the exit status it must have and the words that must name the place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import click

from runner.cli.options import POSITIVE
from runner.cli.run import command

COLLECTION: dict[str, Any] = {
    "info": {"name": "shop"},
    "variable": [{"key": "a", "value": "1"}],
    "auth": {"type": "basic", "basic": [{"key": "username", "value": "u"}]},
    "event": [{"listen": "prerequest", "script": {"exec": [" "]}}],
    "protocolProfileBehavior": {"followRedirects": False},
    "item": [
        {
            "name": "Orders",
            "protocolProfileBehavior": {"maxRedirects": 1},
            "item": [
                {
                    "name": "Buy",
                    "event": [{"listen": "test", "script": {"exec": [" "]}}],
                    "protocolProfileBehavior": {"disabledSystemHeaders": {"host": True}},
                    "request": {
                        "method": "POST",
                        "url": {
                            "raw": "",
                            "host": ["127.0.0.1"],
                            "port": "1",
                            "path": [":id"],
                            "query": [{"key": "q", "value": "1"}],
                            "variable": [{"key": "id", "value": "7"}],
                        },
                        "header": [{"key": "X", "value": "1"}],
                        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "t"}]},
                        "body": {
                            "mode": "urlencoded",
                            "urlencoded": [{"key": "f", "value": "1"}],
                            "formdata": [{"key": "f", "type": "file", "src": "x"}],
                        },
                    },
                    "response": [{"name": "ok", "code": 200, "header": [{"key": "X", "value": "1"}]}],
                }
            ],
        }
    ],
}
REQUEST = ("item", 0, "item", 0, "request")
ENVIRONMENT: dict[str, Any] = {"name": "e", "values": [{"key": "a", "value": "1"}]}
FINE: Mapping[str, str | bytes] = {"c.json": json.dumps(COLLECTION), "e.json": json.dumps(ENVIRONMENT)}

LISTS = {
    ("item",): "item",
    ("variable",): "variable",
    ("event",): "event",
    ("auth", "basic"): "auth › basic",
    ("item", 0, "item", 0, "event"): "Orders › Buy › event",
    ("item", 0, "item", 0, "event", 0, "script", "exec"): "Orders › Buy › event › script › exec",
    (*REQUEST, "url", "query"): "Orders › Buy › url › query",
    (*REQUEST, "url", "variable"): "Orders › Buy › url › variable",
    (*REQUEST, "header"): "Orders › Buy › header",
    (*REQUEST, "auth", "bearer"): "Orders › Buy › auth › bearer",
    (*REQUEST, "body", "urlencoded"): "Orders › Buy › body › urlencoded",
    (*REQUEST, "body", "formdata"): "Orders › Buy › body › formdata",
    ("item", 0, "item", 0, "response"): "Orders › Buy › response",
    ("item", 0, "item", 0, "response", 0, "header"): "Orders › Buy › response › header",
}
"""Where a list has to be, and the place an error names."""

OBJECTS = {
    ("info",): "info",
    ("auth",): "auth",
    ("protocolProfileBehavior",): "protocolProfileBehavior",
    ("item", 0): "item 1",
    ("item", 0, "protocolProfileBehavior"): "Orders › protocolProfileBehavior",
    ("item", 0, "item", 0): "Orders › item 1",
    ("item", 0, "item", 0, "protocolProfileBehavior", "disabledSystemHeaders"): "Orders › Buy › protocolProfileBehavior",
    REQUEST: "Orders › Buy › request",
    (*REQUEST, "url"): "Orders › Buy › url",
    (*REQUEST, "url", "variable", 0): "Orders › Buy › url › variable › 1",
    (*REQUEST, "header", 0): "Orders › Buy › header › 1",
    (*REQUEST, "auth"): "Orders › Buy › auth",
    (*REQUEST, "body"): "Orders › Buy › body",
    (*REQUEST, "body", "urlencoded", 0): "Orders › Buy › body › urlencoded › 1",
    (*REQUEST, "body", "formdata", 0): "Orders › Buy › body › formdata › 1",
    ("item", 0, "item", 0, "response", 0): "Orders › Buy › response › 1",
    ("variable", 0): "variable › 1",
    ("event", 0): "event › 1",
}
"""Where an object has to be, and the place an error names."""


@dataclass(frozen=True)
class Bad:
    """A command line with its files, the exit status it must have, and what the message must hold."""

    words: tuple[str, ...]
    status: int
    says: tuple[str, ...]
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


def everything() -> list[tuple[str, Bad]]:
    """All of it, each with a name of its own."""
    kinds = {
        "shape": shapes(),
        "setting": settings(),
        "collection": collections(),
        "environment": environments("-e"),
        "globals": environments("-g"),
        "data": rows(),
        "number": numbers(),
        "option": options(),
        "file": files(),
        "jar": jars(),
        "certificate": certificates(),
        "check": checks(),
        "config": configs(),
    }
    return list(chain.from_iterable(((f"{kind}-{n}", bad) for n, bad in enumerate(found)) for kind, found in kinds.items()))


def put(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value at a place."""
    whole = copy.deepcopy(data)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return whole


def run(text: str | bytes, *says: str) -> Bad:
    return Bad(("run", "c.json"), 3, ("c.json: ", *says), {"c.json": text})


def shapes() -> Iterator[Bad]:
    """Something else where a list or an object has to be, in a collection of format 2.1."""
    for path, place in LISTS.items():
        for value, kind in ((5, "a number"), (True, "true or false")):
            yield run(json.dumps(put(COLLECTION, path, value)), f"{place}: expected a list, found {kind}")
    for path, place in OBJECTS.items():
        for value, kind in ((5, "a number"), (True, "true or false"), ([1], "a list")):
            yield run(json.dumps(put(COLLECTION, path, value)), place, "expected ", f"found {kind}")


def settings() -> Iterator[Bad]:
    """Values of protocolProfileBehavior that are of the wrong kind."""
    place = "Orders › Buy › protocolProfileBehavior › "
    for key, value in (
        *(
            (switch, wrong)
            for switch in ("strictSSL", "followRedirects", "followAuthorizationHeader")
            for wrong in (1, "true", [])
        ),
        *(("maxRedirects", wrong) for wrong in (True, 1.5, "many", {}, [3])),
        *(("disabledSystemHeaders", wrong) for wrong in (1, "host", ["host"], {"host": "yes"})),
    ):
        yield run(
            json.dumps(put(COLLECTION, ("item", 0, "item", 0, "protocolProfileBehavior"), {key: value})),
            f"{place}{key}",
            ": expected ",
        )


def collections() -> Iterator[Bad]:
    """Files that are no collection at all, or one that breaks off."""
    whole = json.dumps(COLLECTION, indent=1)
    for length in range(0, len(whole), len(whole) // 12):
        yield run(whole[:length], "is not valid JSON: ", " at line ", ", column ")
    for text in (" ", "\ufeff", "info: {}", "<html>", "// c\n{}", "{'item': []}", '{"item": [],}', f"{whole}x", "\0\0", "{]"):
        yield run(text, "is not valid JSON: ", " at line ", ", column ")
    for data in (
        b"\x1f\x8b\x08\x00abc",
        b"\x89PNG\r\n",
        b"\xff\xfe{",
        whole.encode("utf-16")[:-1],
        whole.encode("utf-16-be")[2:9],
    ):
        yield run(data, "is not valid JSON: ", " at line ")
    for text, kind in (("1", "a number"), ('"x"', "text"), ("true", "true or false"), ("[]", "a list"), ("[{}]", "a list")):
        yield run(text, f"expected an object, found {kind}")
    for text in ("{}", "null", '{"openapi": "3.1.0"}', '{"log": {"entries": []}}', '{"item_": []}'):
        yield run(text, "is not a Postman collection: it has neither `info` nor `item`")
    yield run(json.dumps(ENVIRONMENT), "is not a Postman collection: it is an environment or globals file")
    yield run('{"requests": [], "name": "x"}', "is not a Postman collection: it is a collection of format 1")
    yield run('{"name": "x", "order": [], "requests": [7]}', "requests › 1: expected an object, found a number")
    yield run('{"name": "x", "order": ["r"], "requests": [{"id": "r", "url": []}]}', "url: expected an object, found a list")
    yield run('{"item": [], "x": ' + "9" * 400 + "}", "holds a number of 400 digits")
    yield run("[" * 100_000, "is nested too deeply")
    yield run('{"item": [' * 120 + "]}" * 120, "folders are nested too deeply")
    for text in ('{"info": {}}', '{"info": null, "item": null}', '{"item": [{"name": "F", "item": []}]}'):
        yield Bad(("run", "c.json"), 5, (), {"c.json": text})


def environments(option: str) -> Iterator[Bad]:
    """Environments, or globals, of the wrong shape."""
    said = {
        "": "is not valid JSON: ",
        "{": "is not valid JSON: ",
        "A=1\nB=2": "is not valid JSON: ",
        "5": "expected an object, found a number",
        '"x"': "expected an object, found text",
        "[5]": "values › 1: expected an object, found a number",
        '{"a": 1}': "is not an environment: it has no `values`",
        "null": "is not an environment: it has no `values`",
        '{"values": 5}': "values: expected a list, found a number",
        '{"values": "a"}': "values: expected a list, found text",
        '{"values": [{"key": "a"}, "b"]}': "values › 2: expected an object, found text",
        '{"values": [[]]}': "values › 1: expected an object, found a list",
        '{"environment": {"values": 3}}': "values: expected a list, found a number",
        '{"values": [{"key": "a", "value": ' + "9" * 400 + "}]}": "holds a number of 400 digits",
        json.dumps(COLLECTION): "is not an environment: it is a collection",
        "[" * 100_000: "is nested too deeply",
    }
    for text, what in said.items():
        yield Bad(("run", "c.json", option, "e.json"), 3, (f"e.json: {what}",), {**FINE, "e.json": text})
    for path in (".", "nosuch.json", "c.json/e.json", "e" * 300):
        yield Bad(("run", "c.json", option, path), 3, (f"{path}: cannot be read: ",), FINE)


def rows() -> Iterator[Bad]:
    """Iteration data of the wrong shape."""
    said = {
        "{}": "the data is not a list of rows",
        "5": "the data is not a list of rows",
        "null": "the data is not a list of rows",
        '"a,b"': "the data is not a list of rows",
        "[5]": "row 1 is not an object",
        "[[1, 2]]": "row 1 is not an object",
        '[{"a": 1}, null]': "row 2 is not an object",
        '[{"a": 1}': "is not valid JSON: ",
        '{"a": 1,}': "is not valid JSON: ",
        "[": "is not valid JSON: ",
        "[" * 100_000: "is nested too deeply",
        '[{"a": ' + "9" * 400 + "}]": "holds a number of 400 digits",
        'a,b\n"1,2\n': "line 2: text after a closing quote, or a quote that is never closed",
        'a,b\n1,2\n"x"y,2\n': "line 3: text after a closing quote, or a quote that is never closed",
        '"a': "line 1: text after a closing quote, or a quote that is never closed",
    }
    for text, what in said.items():
        yield Bad(("run", "c.json", "-d", "d"), 3, (f"d: {what}",), {**FINE, "d": text})
    for path in (".", "nosuch.csv"):
        yield Bad(("run", "c.json", "-d", path), 3, (f"{path}: cannot be read: ",), FINE)


def numbers() -> Iterator[Bad]:
    """Every option that takes a positive number, with what is none."""
    names = [param.opts[-1] for param in command.params if isinstance(param, click.Option) and param.type is POSITIVE]
    for name in names:
        for value in ("0", "-1", "1.5", "1e3", "abc", "", "١", "99999999999"):
            yield Bad(("run", "c.json", f"{name}={value}"), 2, (name, "the value must be a positive integer"), FINE)


def options() -> Iterator[Bad]:
    """Options that do not exist, lack their value, or have one that makes no sense."""
    for words, *says in (
        ("run c.json --nosuch", "No such option", "--nosuch"),
        ("run c.json -z", "No such option", "-z"),
        ("vars c.json more.json", "unexpected extra argument", "more.json"),
        ("run c.json --ssl-client-key k.pem", "--ssl-client-key needs the certificate"),
        ("run c.json --rate 0", "--rate", "0"),
        ("run c.json --export-cookie-jar c.json/jar", "c.json/jar: cannot be written: "),
        ("run c.json -e - -g -", "stdin can be read only once"),
        ("codegen c.json --target cobol", "there is no target 'cobol'"),
        ("init kis c.json/x", "c.json/x", "cannot be written: "),
        ("run", "Missing argument", "COLLECTION"),
        ("vars", "Missing argument", "COLLECTION"),
        ("lint", "Missing argument", "FILE"),
        ("rum c.json", "No such command", "rum"),
        ("run c.json -e", "Option '-e' requires an argument"),
        ("run c.json -n", "Option '-n' requires an argument"),
        ("run c.json --folder", "Option '--folder' requires an argument"),
        ("run c.json --silent=1", "Option '--silent' does not take a value"),
        ("run c.json --bail=never", "--bail", "never"),
        ("run c.json --color red", "--color", "red"),
        ("run c.json --folder-order random", "--folder-order", "random"),
        ("run c.json --env-var novalue", "--env-var", "novalue", "NAME=VALUE"),
        ("run c.json --env-var =x", "--env-var", "NAME=VALUE"),
        ("run c.json --global-var novalue", "--global-var", "NAME=VALUE"),
        ("run c.json --folder Nosuch", 'Unable to find a folder or request: "Nosuch"'),
        ("run c.json --folder Order", 'Unable to find a folder or request: "Order"', 'did you mean "Orders"'),
        ("run c.json --exclude Nosuch", 'Unable to find a folder or request: "Nosuch"'),
        ("run c.json -r nosuch", "there is no reporter 'nosuch'"),
        ("run c.json -r cli,jsn", "there is no reporter 'jsn'", "did you mean json?"),
        ("run c.json -r ,", "--reporters names none"),
        ("run c.json -r html --reporter-html-body-limit x", "--reporter-html-body-limit", "'x'"),
        ("run c.json -r tap --reporter-tap-export c.json/r", "c.json/r: cannot be written: "),
        ("mock c.json --port 65536", "--port", "65536"),
        ("run c.json --expect status=200", "--expect 'status=200': column 7"),
        ("run c.json --working-dir nosuch", "--working-dir", "nosuch"),
        ("run c.json --working-dir c.json", "--working-dir", "c.json"),
        ("run c.json -r json --reporter-json-export c.json/r.json", "c.json/r.json: cannot be written: "),
        ("run c.json -r junit --reporter-junit-export /dev/null/r.xml", "/dev/null/r.xml: cannot be written: "),
        ("run c.json --export-environment c.json/e.json", "c.json/e.json: cannot be written: "),
        ("run c.json --export-globals c.json/g.json", "c.json/g.json: cannot be written: "),
        ("run c.json --export-collection c.json/c.json", "c.json/c.json: cannot be written: "),
        ("lint c.json --select nosuch", "--select", "nosuch"),
        ("lint c.json --ignore nosuch", "--ignore", "nosuch"),
        ("lint c.json --format xml", "--format", "xml"),
        ("simulate --mock-port 65536", "--mock-port", "65536"),
    ):
        yield Bad(tuple(words.split()), 2, tuple(says), FINE)


def files() -> Iterator[Bad]:
    """Places where no file can be read."""
    for path in ("nosuch.json", "no/such/c.json", "c.json/x", "c" * 300, "~/nosuch.json", "a\nb"):
        for name in ("run", "vars", "lint", "codegen", "mock"):
            yield Bad((name, path), 3, (f"{path}: cannot be read: ",), FINE)
    for name in ("run", "vars", "lint", "codegen", "mock"):
        yield Bad((name, ""), 3, ("cannot be read: there is no file of an empty name",))
    for name in ("vars", "lint", "codegen"):
        yield Bad((name, "."), 3, (".: cannot be read: ",), FINE)
    yield Bad(("run", "."), 3, (".: no file in this folder ends in ",), FINE)
    yield Bad(("kis", "status", "nosuch.json"), 3, ("nosuch.json: cannot be read: ",))
    yield Bad(("run", "c.json", "--vault", "nosuch"), 3, ("nosuch: cannot be read: ",), FINE)
    yield Bad(("run", "c.json", "--vault", "e.json"), 3, ("e.json: the value of 'values' is neither text nor a number",), FINE)
    yield Bad(("run", "c.json", "nosuch.json"), 3, ("nosuch.json: cannot be read: ",), FINE)
    yield Bad(("run", "http://127.0.0.1:1/c.json"), 3, ("http://127.0.0.1:1/c.json: cannot be fetched: ",))
    yield Bad(("run", "1-01234567-89ab-cdef-0123-456789abcdef"), 3, ("is no file, and as a UID it needs an API key",))
    yield Bad(("run", "c.json", "--env-file", "nosuch"), 3, ("nosuch: cannot be read: ",), FINE)
    yield Bad(("run", "c.json", "--env-file", "e.json"), 3, ("e.json: line 1 is not of the form NAME=VALUE",), FINE)
    yield Bad(("lint", "nosuch.json", "c.json", "e.json"), 3, ("nosuch.json: cannot be read: ",), FINE)
    yield Bad(("vars", "c.json", "-e", "c.json"), 3, ("c.json: is not an environment: it is a collection",), FINE)


def jars() -> Iterator[Bad]:
    """Cookie jars of the wrong shape."""
    for text, what in (
        ("{", "is not valid JSON: "),
        ("5", "expected an object, found a number"),
        ("{}", "is not a cookie jar: it has no list of cookies"),
        ('{"cookies": {}}', "is not a cookie jar: it has no list of cookies"),
        ('{"cookies": [5]}', "cookie 1: expected an object, found a number"),
        ('{"cookies": [{"key": 5}]}', "cookie 1 › key: expected text, found a number"),
        ('{"cookies": [{"key": "a", "value": "b"}]}', "cookie 1: has no domain"),
    ):
        yield Bad(("run", "c.json", "--cookie-jar", "jar"), 3, (f"jar: {what}",), {**FINE, "jar": text})


def certificates() -> Iterator[Bad]:
    """Lists of client certificates, and files that are none."""
    for text, what in (
        ("[", "is not valid JSON: "),
        ("{}", "expected a list, found an object"),
        ("[5]", "certificate 1: expected an object, found a number"),
        ('[{"matches": ["https://h/*"]}]', "certificate 1: names no file with a certificate"),
        ('[{"matches": ["https://h/*"], "key": 5}]', "certificate 1 › key: expected "),
    ):
        yield Bad(("run", "c.json", "--ssl-client-cert-list", "l"), 3, (f"l: {what}",), {**FINE, "l": text})
    for option in ("--ssl-client-cert", "--ssl-extra-ca-certs"):
        yield Bad(("run", "c.json", option, "c.json"), 3, ("c.json: holds no certificate in PEM form",), FINE)
        yield Bad(("run", "c.json", option, "nosuch.pem"), 3, ("nosuch.pem: cannot be read: ",), FINE)


def checks() -> Iterator[Bad]:
    """Files of checks, and folders of packages, that are none."""
    for text, what in (("stats < 400", "line 1: column 1"), ("status < 400\ntime <", "line 2: column 7"), ("$[", "line 1: ")):
        yield Bad(("run", "c.json", "--expect-file", "x"), 3, (f"x, {what}",), {**FINE, "x": text})
    for path in ("nosuch", "c.json"):
        yield Bad(("run", "c.json", "--packages", path), 3, (f"{path}: there is no such folder of packages",), FINE)


def configs() -> Iterator[Bad]:
    """Settings in files and in the process environment that make no sense."""
    for name, text, status, what in (
        (".newmanrc", "{", 3, ".newmanrc: is not valid JSON: "),
        (".newmanrc", "[]", 3, ".newmanrc: expected an object of options, found a list"),
        (".newmanrc", '{"run": 5}', 2, ".newmanrc: run: there is no such option"),
        (".newmanrc", '{"iterationCount": -1}', 2, ".newmanrc: iterationCount: the value must be a positive integer"),
        (".newmanrc", '{"nosuch": 1}', 2, ".newmanrc: nosuch: there is no such option"),
        (".newmanrc", '{"insecure": "maybe"}', 2, ".newmanrc: insecure: 'maybe' is not a valid boolean"),
        (".newmanrc", '{"environment": [1]}', 2, ".newmanrc: environment: "),
        ("pabal.toml", "bail = ", 3, "pabal.toml: is not valid TOML: "),
        ("pabal.toml", "bail = 'x'", 2, "pabal.toml: bail: 'x' is not one of"),
        ("pyproject.toml", "[tool]\npabal = 5", 3, "pyproject.toml: expected a table [tool.pabal], found a number"),
        ("pyproject.toml", "[tool.pabal]\nnosuch = 1", 2, "pyproject.toml [tool.pabal]: nosuch: there is no such option"),
    ):
        yield Bad(("run", "c.json"), status, (what,), {**FINE, name: text})
    for name, value, what in (
        ("PABAL_ITERATION_COUNT", "x", "the value must be a positive integer"),
        ("PABAL_COLOR", "red", "'red' is not one of"),
        ("PABAL_INSECURE", "maybe", "'maybe' is not a valid boolean"),
        ("PABAL_NOSUCH", "1", "there is no such option"),
    ):
        yield Bad(("run", "c.json"), 2, (f"{name}: {what}",), FINE, {name: value})
