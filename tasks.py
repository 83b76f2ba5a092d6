"""The project's task runner: `python3 tasks.py TASK`; every task sets up what it needs in `.venv` first.

Only Python 3.11 and Git are assumed. `python3 tasks.py` lists the tasks.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
#: Tests run on this many processes: one more than the cores of a small machine, since a test of a build waits for that build half of its time.
WORKERS = "3"


def run(*argv: str) -> None:
    """Run a program of the environment and leave with its status where it fails."""
    program, *rest = argv
    running = subprocess.Popen([str(BIN / program), *rest], cwd=ROOT)
    while True:
        try:
            status = running.wait()
            break
        except KeyboardInterrupt:  # it was interrupted as well, and may have something to put away
            continue
    if status:
        sys.exit(status)


#: What is installed for which kind of work; each holds those before it.
EXTRAS = {"run": ".", "dev": ".[dev]", "bench": ".[dev,bench]"}


def set_up(kind: str) -> None:
    """Make `.venv` and install the project into it, once for each state of pyproject.toml."""
    if sys.version_info < (3, 11):  # noqa: UP036 - said to people who run another Python, before anything is installed
        sys.exit(f"autobuilds needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    project, kinds = (ROOT / "pyproject.toml").read_bytes(), list(EXTRAS)
    stamps = {known: hashlib.sha256(project + known.encode()).hexdigest() for known in kinds}
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text() in {stamps[known] for known in kinds[kinds.index(kind) :]}:
        compiled()
        return
    if not (BIN / "python").exists():
        print("making .venv", file=sys.stderr, flush=True)
        venv.create(VENV, with_pip=True)
    print("installing autobuilds and what it needs (once)", file=sys.stderr, flush=True)
    pip = [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--editable", EXTRAS[kind]]
    if subprocess.run(pip, cwd=ROOT, check=False).returncode:
        sys.exit("the installation failed; its message stands above")
    stamp.write_text(stamps[kind])
    compiled()


def compiled() -> None:
    """Compile the source, as an installation would, and let what is run keep its bytecode: a thousand starts would do that again."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([str(BIN / "python"), "-m", "compileall", "-q", "src"], cwd=ROOT, check=False)


def demo(*rest: str) -> None:
    """Run the demo: a throw-away workspace, five tasks, under a minute, no key and no network."""
    set_up("run")
    run("autobuilds", "demo", *rest)


def test(*rest: str) -> None:
    """Run the tests (without the slow sweeps)."""
    set_up("dev")
    run("pytest", "-q", "-n", WORKERS, "--dist", "worksteal", "-m", "not slow and not long and not real", *rest)


def sweeps(*rest: str) -> None:
    """Run the slow sweeps alone: conformance, crash, concurrency; those of whole length are for `test-all`."""
    set_up("dev")
    run("pytest", "-q", "-m", "slow and not long and not real", *rest)


def test_all(*rest: str) -> None:
    """Run all tests, the slow sweeps included, but those that need real agents."""
    set_up("dev")
    run("pytest", "-q", "-n", WORKERS, *rest)


def agents(*rest: str) -> None:
    """Install real agents for tests into .agents/: a tier (1, 2) or names; versions in tests/agents/versions.toml."""
    done = subprocess.run([sys.executable, "-m", "tests.agents.installing", *rest], cwd=ROOT, check=False)
    sys.exit(done.returncode)


def real(*rest: str) -> None:
    """Run the tests with real agents (`real 2`: those of tier 2 too), on a network that is nothing but the loopback."""
    set_up("dev")
    tiers, more = (rest[0], rest[1:]) if rest and rest[0] in {"1", "2"} else ("1", rest)
    wanted = "real" if tiers == "2" else "real and not tier2"
    run("python", "-m", "tests.agents.alone", str(BIN / "pytest"), "-q", "-n", WORKERS, "-m", wanted, "tests/agents", *more)


def agents_report(*rest: str) -> None:
    """Print what every installed agent made of five situations, and what its exit status alone would have said."""
    set_up("dev")
    run("python", "-m", "tests.agents.alone", str(BIN / "python"), "benchmarks/agents.py", *rest)


def prove(*rest: str) -> None:
    """Run proofs (all, or those named): `--scale full` for as many points as the goals name, `--tool` for another tool."""
    set_up("dev")
    run("python", "-m", "tests.proofs", *rest)


def mutate(*rest: str) -> None:
    """Put small faults into the gates, the store and what starts builds, and count how many the tests notice: AREA, `--count`, `--seed`, `--json`."""
    set_up("dev")
    run("python", "-m", "tests.mutation", *rest)


def lint(*rest: str) -> None:
    """Check style, types and layers."""
    set_up("dev")
    run("ruff", "check", ".", *rest)
    run("ruff", "format", "--check", ".")
    run("mypy")
    run("lint-imports")


#: The tests of the pure core, for one process each: about as long as one another.
CORE_TESTS = (("tests/policies",), ("tests/domain", "tests/operations", "tests/planning", "tests/test_kept.py", "tests/test_records.py"))
#: Tests of how much and how well, which are long under a tracer and reach nothing that others do not.
NOT_FOR_LINES = ("*_costs.py", "*_figures.py")


def coverage(*rest: str) -> None:
    """Run the tests of the pure core, and say which of its lines and branches none of them reaches; there may be none."""
    set_up("dev")
    pytest = [str(BIN / "python"), "-m", "coverage", "run", "-m", "pytest", "-q", "-m", "not slow and not long and not real", *rest]
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/.coverage"
        outputs = [tempfile.TemporaryFile() for _ in CORE_TESTS]  # noqa: SIM115 - closed when they were printed
        running = [
            subprocess.Popen(
                [*pytest, *(path for path in paths if (ROOT / path).exists()), *(f"--ignore-glob={name}" for name in NOT_FOR_LINES)],
                cwd=ROOT,
                env={**os.environ, "COVERAGE_FILE": f"{data}.{n}"},
                stdout=outputs[n],
                stderr=subprocess.STDOUT,
            )
            for n, paths in enumerate(CORE_TESTS)
        ]
        failed = [process.wait() for process in running]
        for output in outputs:
            with output:
                output.seek(0)
                sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
        if any(failed):
            sys.exit("tests of the core failed; what they reach is not looked at")
        os.environ["COVERAGE_FILE"] = data
        run("coverage", "combine", "--quiet")
        run("coverage", "report")


def form(*rest: str) -> None:
    """Format the code and mend what can be mended by itself."""
    set_up("dev")
    run("ruff", "check", "--fix", ".", *rest)
    run("ruff", "format", ".")


def figures(*rest: str) -> None:
    """Print how good the risk and requirements rules are on the labelled tasks."""
    set_up("dev")
    run("python", "benchmarks/gates.py", *rest)


def bench(*rest: str) -> None:
    """Measure speed beside other tools, in one run: `--write` into the documentation, `--heavy`, `--huge`, `--smoke`."""
    set_up("dev" if "--smoke" in rest else "bench")
    run("python", "-m", "benchmarks", *rest)


def check(*rest: str) -> None:
    """Run what CI runs: lint, tests, slow sweeps, benchmarks as a smoke test."""
    lint()
    coverage()
    test_all(*rest)
    figures()
    bench("--smoke")


TASKS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "test": test,
    "sweeps": sweeps,
    "test-all": test_all,
    "agents": agents,
    "real": real,
    "agents-report": agents_report,
    "prove": prove,
    "mutate": mutate,
    "lint": lint,
    "coverage": coverage,
    "format": form,
    "figures": figures,
    "bench": bench,
    "check": check,
}


#: Tasks whose program tells of its options itself.
OWN_HELP = {"demo", "prove", "mutate", "bench", "agents"}


def main() -> None:
    """Run the task that the command line names."""
    name, *rest = sys.argv[1:] or ["help"]
    task = TASKS.get(name)
    if task is None:
        for known, function in TASKS.items():
            print(f"python3 tasks.py {known:<13} {(function.__doc__ or '').splitlines()[0]}")
        sys.exit(0 if name in {"help", "-h", "--help"} else 2)
    if {"-h", "--help"} & set(rest) and name not in OWN_HELP:
        print(f"python3 tasks.py {name}\n\n{task.__doc__}")
        return
    task(*rest)


if __name__ == "__main__":
    main()
