"""A copy of the project with an environment of its own, in which source may be spoiled."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import Final

from tests.mutation import tracing

ROOT: Final = Path(__file__).resolve().parents[2]
_COMMAND: Final = "#!{python}\nimport sys\nfrom autobuilds.__main__ import main\nsys.exit(main())\n"


class Ground:
    """A folder with `tree`, the copy, and `venv`, whose Python finds it before anything else, whatever its environment says."""

    def __init__(self, folder: Path, commit: str | None = None, project: Path = ROOT) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self.python = folder / "venv" / "bin" / "python"
        shutil.rmtree(folder, ignore_errors=True)
        self.tree.mkdir(parents=True)
        _copy(project, self.tree, commit)
        self._environment()
        self._moment = 1_500_000_000
        subprocess.run([self.python, "-m", "compileall", "-q", "src"], cwd=self.tree, check=True)

    @property
    def switch(self) -> Path:
        """Return the file that turns the tracing of started processes on."""
        return self._packages / tracing.SWITCH

    def _environment(self) -> None:
        venv.create(self.folder / "venv", with_pip=False, symlinks=True)
        self._packages = next((self.folder / "venv" / "lib").glob("python3*")) / "site-packages"
        shutil.copy(tracing.__file__, self._packages / "mutation_tracing.py")
        paths = [f"{self.tree}/src", sysconfig.get_path("purelib"), "import mutation_tracing"]
        (self._packages / "mutation.pth").write_text("\n".join(paths) + "\n")
        command = self.folder / "venv" / "bin" / "autobuilds"
        command.write_text(_COMMAND.format(python=self.python))
        command.chmod(0o755)

    def write(self, path: str, source: bytes) -> None:
        """Write a source file, with a time of its own, so that nothing compiled from another text is taken for it."""
        self._moment += 10
        target = self.tree / path
        target.write_bytes(source)
        os.utime(target, (self._moment, self._moment))


def _copy(project: Path, tree: Path, commit: str | None) -> None:
    """Copy the working tree as Git sees it, or a commit."""
    if commit is not None:
        packed = subprocess.run(["git", "archive", commit], cwd=project, check=True, capture_output=True).stdout
        subprocess.run(["tar", "-x", "-C", tree], input=packed, check=True)
        shutil.copytree(Path(__file__).parent, tree / "tests" / "mutation", dirs_exist_ok=True)
    else:
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=project, check=True, capture_output=True).stdout
        for name in filter(None, os.fsdecode(names).split("\0")):
            if (project / name).is_file() or (project / name).is_symlink():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(project / name, tree / name, follow_symlinks=False)
    if not (tree / "tests" / "mutation").exists():
        shutil.copytree(Path(__file__).parent, tree / "tests" / "mutation")
    environment = {**os.environ, "GIT_AUTHOR_NAME": "x", "GIT_AUTHOR_EMAIL": "x@example.org"}
    environment |= {"GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@example.org"}
    for words in (["init", "-q"], ["add", "-A", "--force"], ["commit", "-q", "-m", "copy"]):
        subprocess.run(["git", *words], cwd=tree, check=True, env=environment)


def version(commit: str = "HEAD") -> str:
    """Return the short name of a commit of the project."""
    return subprocess.run(["git", "rev-parse", "--short", commit], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
