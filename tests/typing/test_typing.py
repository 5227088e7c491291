"""The types of the public surface hold, and the code that shows them runs."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = ("surface.py", "surface_of_tasks.py", "misuse.py")
COMMANDS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--no-incremental"],
    "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_types_hold(command: list[str]) -> None:
    files = [str(HERE / name) for name in FILES]
    done = subprocess.run(
        [*command, *files], cwd=HERE.parent.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_runs() -> None:
    importlib.import_module("tests.typing.surface")
