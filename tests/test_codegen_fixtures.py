"""Code of the requests that Postman's own code generators are tested with: clean, typed, and compiled, for every Python target."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ruff import find_ruff_bin

from runner import Options
from runner.generate import CodeOptions, generate

FIXTURES = Path(__file__).parents[2] / "shared" / "codegen" / "fixtures"
TARGETS = ["requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3"]

pytestmark = pytest.mark.skipif(not FIXTURES.exists(), reason="the fixtures of the shared harness are not here")


@pytest.fixture(scope="module")
def snippets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for each target, with a file for each request."""
    folder = tmp_path_factory.mktemp("snippets")
    collections = [FIXTURES / "unit.postman_collection.json", *sorted((FIXTURES / "newman").glob("*.json"))]
    for target in TARGETS:
        (folder / target).mkdir()
        made = [file for path in collections for file in generate(path, Options(), CodeOptions(target=target))]
        for number, file in enumerate(made):
            (folder / target / f"{target.replace('.', '_').replace('-', '_')}_{number}.py").write_text(file.text, "utf-8")
    return folder


def test_every_snippet_is_clean_and_laid_out(snippets: Path) -> None:
    assert {len(list((snippets / target).iterdir())) for target in TARGETS} == {200}
    for command in (["format", "--check", "--diff"], ["check"]):
        done = subprocess.run(
            [find_ruff_bin(), *command, "--isolated", "--no-cache", str(snippets)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_snippets_are_typed(snippets: Path, cache: pytest.Cache) -> None:
    pytest.importorskip("mypy", reason="mypy comes with the lint group")
    folders = [str(snippets / target) for target in TARGETS]
    mypy = ["-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache.mkdir("mypy"))]
    done = subprocess.run([sys.executable, *mypy, *folders], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
