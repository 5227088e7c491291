"""The tests that need no server, on every Python that is found."""

import os
import subprocess

import nox

VERSIONS = ["3.10", "3.11", "3.12", "3.13"]

nox.options.reuse_existing_virtualenvs = True


def found() -> list[str]:
    """Return the Pythons of ``NOX_PYTHONS``, or else of all versions, that there are."""
    wanted = os.environ.get("NOX_PYTHONS", " ".join(VERSIONS)).split()
    paths = [subprocess.getstatusoutput(f"tools/find-python {v}") for v in wanted]
    return [path for status, path in paths if status == 0]


@nox.session(python=found())
def serverless(session: nox.Session) -> None:
    """Run the tests that need no server, nor a type checker, nor a minute."""
    session.install("--quiet", "--upgrade", "pip>=25.1")
    session.install("--quiet", "--editable", ".[all]", "--group", "test")
    # The algorithm takes the same steps on every Python, and its schedules take a minute;
    # and what is drawn by lot, or is about the kernel, is looked for on one.
    elsewhere = [
        *("tests/typing", "tests/property", "tests/stampede/test_schedules.py"),
        *("tests/lmdb/test_kills.py", "tests/lmdb/test_room.py"),
    ]
    without = ["-m", "not server", *(f"--ignore={path}" for path in elsewhere)]
    session.run("python", "-m", "pytest", "-q", *without, *session.posargs)
