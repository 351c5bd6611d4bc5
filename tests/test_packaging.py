"""What a build puts into the wheel and the sdist, and what it says when it cannot."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.wheel import WheelBuilder
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parent.parent
VENDOR = ROOT / "runner/sandbox/vendor"
BUILD_INPUTS = ["pyproject.toml", "hatch_build.py", "LICENSE", "README.md", ".gitignore", "runner", "collections", "environments"]
BUILD = "import sys, hatchling.build as b; print(getattr(b, 'build_' + sys.argv[1])(sys.argv[2]))"

spec = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
assert spec and spec.loader
hatch_build: Any = module_from_spec(spec)
spec.loader.exec_module(hatch_build)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what a build reads, with the sandbox in place, so that building needs no network."""
    copy = tmp_path / "source"
    copy.mkdir()
    for name in filter(lambda name: (ROOT / name).exists(), BUILD_INPUTS):
        path = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "*.local.*")
        _ = shutil.copytree(path, copy / name, ignore=ignored) if path.is_dir() else shutil.copy(path, copy / name)
    return copy


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder that is all of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def build(kind: str, source: Path) -> subprocess.CompletedProcess[str]:
    """Build with the hatchling of this environment; the artefact lands in `source`'s `dist`."""
    command = [sys.executable, "-c", BUILD, kind, "dist"]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=60)


def built(kind: str, source: Path) -> Path:
    """The artefact of a build that went well."""
    ran = build(kind, source)
    assert ran.returncode == 0, ran.stderr
    return source / "dist" / ran.stdout.split()[-1]


def install_npm(folder: Path, script: str) -> None:
    """Put an `npm` (and the `node` it would need) into `folder`, for the hook to find."""
    for name, text in (("node", "exit 0"), ("npm", script)):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)


def npm_delivering(folder: Path, code: str) -> str:
    """A stand-in for `npm ci` that installs a package whose bundle holds `code`."""
    package = folder / "package"
    (package / ".cache").mkdir(parents=True)
    (package / ".cache/bootcode.browser.js").write_text(f"module.exports=c=>c(null,{json.dumps(code)})", "utf-8")
    (package / "LICENSE.md").write_text("its licence")
    cp, mkdir = shutil.which("cp", path=os.defpath), shutil.which("mkdir", path=os.defpath)
    return f'[ "$1" = ci ] || exit 9\n{mkdir} node_modules && {cp} -r "{package}" node_modules/postman-sandbox'


def test_the_wheel_holds_the_sandbox_and_its_licences(source: Path, no_node: Path) -> None:
    with zipfile.ZipFile(built("wheel", source)) as wheel:
        names = set(wheel.namelist())
        code = wheel.read("runner/sandbox/vendor/bootcode.js")
    assert hashlib.sha256(code).hexdigest() == hatch_build.BOOTCODE_SHA256
    assert {f"runner/sandbox/vendor/{name}" for name in ("LICENSE.md", "NOTICE")} < names
    assert "runner/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "hatch_build", "runner/sandbox/npm"))]


def test_the_sdist_holds_samples_but_no_environment_with_values(source: Path) -> None:
    (source / "environments").mkdir(exist_ok=True)
    sample = {"name": "blank", "values": [{"key": "TOKEN", "value": ""}, {"key": "HOST", "value": "https://127.0.0.1:1"}]}
    (source / "environments/blank.postman_environment.json").write_text(json.dumps(sample))
    for name, value in (("keys", "PSabc123"), ("login", "https://me:pw@host/")):
        file = {"name": name, "values": [{"key": "A", "value": ""}, {"key": "B", "value": value}]}
        (source / f"environments/{name}.postman_environment.json").write_text(json.dumps(file))
    (source / "environments/broken.json").write_text("{")
    (source / "environments/mine.local.json").write_text('{"values": []}')
    with tarfile.open(built("sdist", source)) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert "environments/blank.postman_environment.json" in names
    assert {f"collections/{path.name}" for path in (ROOT / "collections").glob("*.json")} <= names
    assert not [name for name in names if name.endswith(("keys.postman_environment.json", "login.postman_environment.json"))]
    assert not [name for name in names if name.endswith(("broken.json", "mine.local.json"))]


def test_the_build_does_not_need_sample_folders(source: Path) -> None:
    for name in ("collections", "environments"):
        shutil.rmtree(source / name, ignore_errors=True)
    assert built("wheel", source).is_file()


def test_an_sdist_needs_neither_npm_nor_sandbox_and_gives_a_wheel(source: Path, no_node: Path) -> None:
    shutil.rmtree(source / "runner/sandbox/vendor")
    (source / "my-keys.json").write_text("{}")
    with tarfile.open(built("sdist", source)) as sdist:
        names = sdist.getnames()
        sdist.extractall(source / "unpacked", filter="data")
    assert not [name for name in names if "vendor" in name or name.endswith("my-keys.json")]
    (unpacked,) = (source / "unpacked").iterdir()
    shutil.copytree(VENDOR, unpacked / "runner/sandbox/vendor")
    with zipfile.ZipFile(built("wheel", unpacked)) as wheel:
        assert {"runner/sandbox/vendor/bootcode.js", "runner/engine.py"} < set(wheel.namelist())


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_the_sandbox_is_fetched_with_npm(source: Path, no_node: Path, kind: str) -> None:
    code = (VENDOR / "bootcode.js").read_text("utf-8")
    install_npm(no_node, npm_delivering(source, code))
    shutil.rmtree(source / "runner/sandbox/vendor")
    built(kind, source)
    vendor = source / "runner/sandbox/vendor"
    assert (vendor / "bootcode.js").read_text("utf-8") == code
    assert (vendor / "LICENSE.md").read_text() == "its licence"
    assert (vendor / "NOTICE").read_text() == (ROOT / "runner/sandbox/npm/NOTICE").read_text()


def test_a_sandbox_in_place_but_altered_is_fetched_again(source: Path, no_node: Path) -> None:
    install_npm(no_node, npm_delivering(source, (VENDOR / "bootcode.js").read_text("utf-8")))
    (source / "runner/sandbox/vendor/bootcode.js").write_text("altered")
    built("wheel", source)
    assert hatch_build.vendored(source)


def test_without_npm_the_build_says_what_is_missing(source: Path, no_node: Path) -> None:
    shutil.rmtree(source / "runner/sandbox/vendor")
    ran = build("wheel", source)
    assert ran.returncode != 0
    assert "no Node.js with npm on the PATH" in ran.stderr
    assert "copy runner/sandbox/vendor/" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_when_npm_fails_the_build_says_why(source: Path, no_node: Path) -> None:
    install_npm(no_node, 'echo "npm error code ENOTFOUND" >&2; exit 1')
    shutil.rmtree(source / "runner/sandbox/vendor")
    ran = build("wheel", source)
    assert ran.returncode != 0
    assert "npm failed:\n  npm error code ENOTFOUND\n" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_another_sandbox_than_the_pinned_one_is_refused(source: Path, no_node: Path) -> None:
    install_npm(no_node, npm_delivering(source, "something else"))
    shutil.rmtree(source / "runner/sandbox/vendor")
    ran = build("wheel", source)
    assert ran.returncode != 0
    assert "SHA-256" in ran.stderr
    assert not (source / "runner/sandbox/vendor/bootcode.js").exists()


def test_node_is_required_only_to_fetch_and_where_there_is_none(source: Path, no_node: Path) -> None:
    def required() -> list[str]:
        return WheelBuilder(str(source)).config.dependencies

    assert required() == []
    shutil.rmtree(source / "runner/sandbox/vendor")
    assert required() == [hatch_build.NODE_FROM_PYPI]
    install_npm(no_node, "exit 0")
    assert required() == []


@given(st.text())
def test_unwrapping_gives_back_what_was_wrapped(code: str) -> None:
    assert hatch_build.unwrap(f"module.exports=c=>c(null,{json.dumps(code)})") == code


def test_a_bundle_of_another_form_is_refused() -> None:
    with pytest.raises(hatch_build.BuildError, match="expected form"):
        hatch_build.unwrap('exports.code="x"')


def test_the_lock_pins_one_package_by_hash_and_names_no_address() -> None:
    pins = ROOT / "runner/sandbox/npm"
    lock = json.loads((pins / "package-lock.json").read_text())["packages"]
    (package,) = (entry for name, entry in lock.items() if name)
    assert package["integrity"].startswith("sha512-")
    assert "resolved" not in package
    assert json.loads((pins / "package.json").read_text())["dependencies"] == {"postman-sandbox": package["version"]}
    assert f"postman-sandbox {package['version']} " in (pins / "NOTICE").read_text()


def test_sample_folders_hold_no_python() -> None:
    """A package named `collections` at the top would hide the standard library's."""
    assert not [*(ROOT / "collections").rglob("*.py"), *(ROOT / "environments").rglob("*.py")]


def test_the_environments_here_are_blank() -> None:
    files = [path for path in (ROOT / "environments").rglob("*.json") if ".local." not in path.name]
    assert [path.name for path in files if not hatch_build.is_blank(path)] == []


def test_an_installed_wheel_runs_scripts_without_node(source: Path, no_node: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin/python"
    wheel = built("wheel", source)
    subprocess.run([python, "-m", "pip", "-q", "install", "--no-index", "--no-deps", wheel], check=True, timeout=60)
    site_packages = next(home.glob("lib/python*/site-packages"))
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    ran = subprocess.run([python, "-I", ROOT / "tests/wheel_check.py"], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "the installed wheel runs scripts without Node.js\n"
