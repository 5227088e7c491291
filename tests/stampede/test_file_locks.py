"""Locks of dbm files that are held when their process forks, as in a busy server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RELEASED = """
import os, sys
from dogpile_cache.backends.file import FileLock
lock = FileLock(sys.argv[1])
lock.acquire_write_lock(True)
end, hold = os.pipe()
child = os.fork()
if child == 0:
    os.close(hold)
    os.read(end, 1)  # until the parent has looked; of the lock it knows nothing
    os._exit(0)
lock.release_write_lock()
print(FileLock(sys.argv[1]).acquire_write_lock(False))
os.close(hold)
os.waitpid(child, 0)
"""

ENDED = """
import os, sys
from dogpile_cache.backends.file import FileLock
lock = FileLock(sys.argv[1])
lock.acquire_write_lock(True)
end, hold = os.pipe()
if os.fork() == 0:
    os.close(hold)
    os.read(end, 1)  # until the parent has ended, without giving back the lock
    print(FileLock(sys.argv[1]).acquire_write_lock(False), flush=True)
os._exit(0)
"""


def run(script: str, lockfile: Path) -> str:
    command = [sys.executable, "-c", script, str(lockfile)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_lock_given_back_is_free_though_a_child_was_forked_meanwhile(
    tmp_path: Path,
) -> None:
    assert run(RELEASED, tmp_path / "lock") == "True"


def test_a_lock_ends_with_its_process_though_a_child_was_forked_meanwhile(
    tmp_path: Path,
) -> None:
    assert run(ENDED, tmp_path / "lock") == "True"
