"""The row of fresh processes: what an import and a configured region cost."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

from benchmarks.harness import THAT, THIS, Contender, Figure, Reach, Row, Sampler, Stage

REGION = "from {} import make_region; make_region().configure('dogpile.cache.memory')"
TTL_CACHE = "from cachetools import TTLCache; TTLCache(100, 3600)"


def fresh(source: str) -> Contender:
    """Sample what ``source`` adds to the life of a bare interpreter."""

    def prepare(stage: Stage) -> Sampler:
        return lambda: (_lifetime(source) - _lifetime("pass"),)

    return prepare


def _lifetime(source: str) -> float:
    begin = time.perf_counter()
    command = [sys.executable, "-c", source]
    # As installed packages are: compiled once, not at each start.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(
        command, check=False, stderr=subprocess.PIPE, text=True, env=environ
    )
    took = time.perf_counter() - begin
    if ended.returncode:
        raise RuntimeError(ended.stderr.strip().splitlines()[-1])
    return took


def rows() -> list[Row]:
    return [
        Row(
            "import and configure a memory region",
            {
                THIS: fresh(REGION.format(THIS)),
                THAT: fresh(REGION.format(THAT)),
                "cachetools": fresh(TTL_CACHE),
            },
            figures=(Figure((Reach(0.4, THAT),), summary=statistics.median),),
            rounds=20,
            note=lambda: "fresh interpreters, a bare one taken off",
        )
    ]
