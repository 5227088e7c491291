"""A forked child inherits no creation: its leader is in the parent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dogpile_cache

SCRIPT = """
import os, sys, threading, warnings
warnings.filterwarnings("ignore", "This process .* is multi-threaded")
from dogpile_cache import make_region

backend, filename = sys.argv[1:]
arguments = {"filename": filename} if backend == "dogpile.cache.dbm" else {}
if backend == "bounded":
    backend, arguments = "dogpile.cache.memory", {"max_entries": 5}
warnings.filterwarnings("ignore", ".*is a dbm.dumb file", RuntimeWarning)
region = make_region().configure(backend, arguments=arguments)
region.set("known", "by the parent")
started, may_end = threading.Event(), threading.Event()

def create():
    started.set()
    assert may_end.wait(20)
    return "made in the parent"

thread = threading.Thread(target=region.get_or_create, args=("key", create))
thread.start()
assert started.wait(20)
child = os.fork()
if child == 0:
    import signal
    signal.alarm(15)  # a child that hangs dies
    assert region.get("known") == "by the parent"
    if backend != "dogpile.cache.dbm":
        assert region.get_or_create("key", lambda: "made in the child") == (
            "made in the child"
        )
    assert region.get_or_create("other", lambda: 1) == 1
    os._exit(0)
_, status = os.waitpid(child, 0)
may_end.set()
thread.join(20)
assert region.get("key") == "made in the parent", region.get("key")
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize(
    "backend",
    [
        "dogpile.cache.memory",
        "dogpile.cache.memory_pickle",
        "bounded",
        "dogpile.cache.dbm",
    ],
)
def test_a_child_forked_during_a_creation_can_create_the_same_key(
    tmp_path: Path, backend: str
) -> None:
    """With dbm the parent's lock holds in the child, too: there it makes another key."""
    parent = Path(dogpile_cache.__path__[0]).parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, backend, str(tmp_path / "c.dbm")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(parent)},
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
