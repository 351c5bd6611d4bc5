"""Files that bodies name, and names that no file can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.files import BodyFiles
from runner.model import Body, FormParam, Request, Url
from runner.request import prepare


def test_the_working_directory_is_a_wall_only_where_wanted(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "out.txt").write_bytes(b"out")
    assert BodyFiles(working_dir=inside).read("../out.txt") == b"out"
    with pytest.raises(PermissionError, match="PPERM: insecure file access outside working directory"):
        BodyFiles(working_dir=inside, outside=False).read("../out.txt")


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
@pytest.mark.parametrize("outside", [True, False])
def test_a_name_no_file_can_have_is_a_warning(tmp_path: Path, name: str, outside: bool) -> None:
    files = BodyFiles(working_dir=tmp_path, outside=outside)
    file = Body(mode="file", file_src=name)
    form = Body(mode="formdata", formdata=(FormParam(key="f", type="file", src=(name,)),))
    for body in (file, form):
        request = Request(url=Url(text="http://h/"), method="POST", body=body)
        [warning] = prepare(request, read_file=files.read).warnings
        assert warning.endswith(f'"{name}", no such file')


def test_links_in_a_circle_are_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError):
        BodyFiles(working_dir=tmp_path).read("loop")
