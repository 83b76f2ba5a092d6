"""What is said of an error of the machine that nobody foresaw at its place."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from autobuilds.cli.boundary import ended


def test_an_error_of_reading_names_the_file_that_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def read(path: Path) -> int:
        with path.open("w"):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    file = tmp_path / "file"
    assert ended([], lambda: read(file)) == 3
    assert (
        capsys.readouterr().err
        == f"autobuilds: can't use {file}: permission denied. Make the file and its folder readable and writable for you\n"
    )


def test_an_error_with_no_file_at_all_is_said_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    def start() -> int:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    assert ended([], start) == 3
    assert capsys.readouterr().err == "autobuilds: can't go on: there is too little memory. Close programs and try again\n"
