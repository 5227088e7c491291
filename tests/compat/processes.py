"""The other side of :mod:`tests.compat.worker`: a process that does as it is told."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

from typing_extensions import Self

PROJECT = str(Path(__file__).parents[2])


def environment() -> dict[str, str]:
    """Return an environment in which a child finds this project."""
    path = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [PROJECT, path]))}


class WorkerError(Exception):
    """Tell what a request raised in the other process."""


class Process:
    """Be a worker of one of the two packages; requests are method calls."""

    def __init__(self, root: str, *hidden: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.compat.worker", root, *hidden],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=environment(),
        )

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self._request(name, args, kwargs)

    def _request(self, name: str, args: Any, kwargs: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pickle.dump((name, args, kwargs), self._process.stdin)
        self._process.stdin.flush()
        succeeded, answer = pickle.load(self._process.stdout)
        if not succeeded:
            raise WorkerError(answer)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._process:  # closes the pipes, upon which the worker ends
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()


def run_script(code: str, *args: str) -> str:
    """Run code in a process of its own, warnings as errors; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=PROJECT,
        env=environment(),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
