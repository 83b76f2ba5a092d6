"""What is longer than the terminal goes through a pager, its colours as colours and never as signs."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

_PAGE = r"from autobuilds.cli.session import page; from autobuilds.cli.formatters.style import Style; page('\x1b[1mword\x1b[0m\n' * 200, Style(colour=True))"


@pytest.mark.parametrize(("pager", "shown"), [("less", "LESS=-R colour"), ("other", "LESS= plain")])
def test_colours_reach_only_a_pager_that_shows_them(tmp_path: Path, pager: str, shown: str) -> None:
    program = tmp_path / pager
    program.write_text("#!/bin/sh\nif grep -q '\033' -; then how=colour; else how=plain; fi\necho \"LESS=$LESS $how\"\n")
    program.chmod(0o755)
    master, terminal = pty.openpty()
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm", **({} if pager == "less" else {"PAGER": pager})}
    subprocess.run([sys.executable, "-c", _PAGE], stdin=terminal, stdout=terminal, env=environment, check=True, timeout=30)
    os.close(terminal)
    told = os.read(master, 4096).decode()
    os.close(master)
    assert told.strip() == shown
