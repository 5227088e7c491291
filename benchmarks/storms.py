"""Rows of storms: 32 callers in four processes want one key at the same moment."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks.harness import THAT, THIS, Contender, Figure, Reach, Row, Sampler, Stage
from benchmarks.remote import count_commands, redis_client
from benchmarks.storm import CommandCount, Storm, StormError, StormResult

TASKS = 64
CREATION = 0.2
AT_ONCE = CREATION / 2
FRESH = itertools.count()

Weather = Callable[[Stage], tuple[str, dict[str, Any], CommandCount]]


def redis(stage: Stage) -> tuple[str, dict[str, Any], CommandCount]:
    count = partial(count_commands, redis_client(stage))
    arguments = {"url": stage.servers.redis_url, "distributed_lock": True}
    return "redis", {**arguments, "thread_local_lock": False}, count


def memcached(client: str, stage: Stage) -> tuple[str, dict[str, Any], CommandCount]:
    host, port = stage.servers.memcached_address
    return client, {"url": [f"{host}:{port}"], "distributed_lock": True}, Counter


class Ledger(dict[str, StormResult]):
    """The last result of each package, to tell which commands it took."""

    def __call__(self) -> str:
        return "; ".join(
            f"{package}: {_listed(result.commands)}"
            for package, result in self.items()
            if result.commands
        )


def _listed(commands: Mapping[str, int]) -> str:
    return ", ".join(f"{calls} {name}" for name, calls in sorted(commands.items()))


def stormed(
    weather: Weather, package: str, ledger: Ledger, *, expired: bool, tasks: int
) -> Contender:
    """Sample storms over fresh keys: creations, median and p99 delay, commands."""

    def prepare(stage: Stage) -> Sampler:
        backend, arguments, count = weather(stage)
        storm = Storm(
            package, backend, arguments, tasks=[tasks], creation=CREATION, count=count
        )
        stage.closing.callback(storm.close)

        def sample() -> tuple[float, ...]:
            ledger[package] = storm.run(f"{package}-{next(FRESH)}", expired=expired)
            return _figures(ledger[package])

        return sample

    return prepare


def _figures(result: StormResult) -> tuple[float, ...]:
    if result.errors:
        raise StormError(
            f"{len(result.errors)} callers failed, one with {result.errors[0]}"
        )
    if not result.creations:
        raise StormError("nobody created the value: the key was there")
    return result.creations, result.median, result.p99, sum(result.commands.values())


def storm_row(
    name: str,
    weather: Weather,
    *figures: Figure,
    packages: Sequence[str] = (THIS, THAT),
    expired: bool = False,
    tasks: int = 0,
) -> Row:
    """Return a row of storms among threads, or among tasks if there are any."""
    ledger = Ledger()
    return Row(
        name,
        {
            package: stormed(weather, package, ledger, expired=expired, tasks=tasks)
            for package in packages
        },
        figures=figures,
        rounds=5,
        pinned=False,
        note=ledger,
    )


ONE_CREATION = Figure((Reach(1),), "creations", unit="", summary=max)
MEDIAN = Figure((), "median delay", summary=statistics.median)
P99 = Figure((Reach(1 / 50, THAT),), "p99 delay", summary=statistics.median)
P99_SERVED_STALE = Figure((Reach(AT_ONCE),), "p99 delay", summary=statistics.median)
P99_OF_TASKS = Figure((Reach(0.010),), "p99 delay", summary=statistics.median)
COMMANDS = Figure((Reach(60),), "commands", unit="", summary=max)


def rows() -> list[Row]:
    missing = (ONE_CREATION, MEDIAN, P99)
    stale = (ONE_CREATION, MEDIAN, P99_SERVED_STALE)
    pymemcache = partial(memcached, "pymemcache")
    return [
        storm_row("storm, redis", redis, *missing, COMMANDS),
        storm_row("storm, memcached (pymemcache)", pymemcache, *missing),
        storm_row(
            "storm, memcached (pylibmc)", partial(memcached, "pylibmc"), *missing
        ),
        storm_row(
            f"storm of {TASKS} tasks a process, redis",
            redis,
            *(ONE_CREATION, MEDIAN, P99_OF_TASKS, COMMANDS),
            packages=(THIS,),
            tasks=TASKS,
        ),
        storm_row(
            f"storm of {TASKS} tasks a process, memcached",
            pymemcache,
            *(ONE_CREATION, MEDIAN, P99_OF_TASKS),
            packages=(THIS,),
            tasks=TASKS,
        ),
        storm_row("storm, redis, expired key", redis, *stale, expired=True),
        storm_row(
            "storm, memcached (pymemcache), expired key",
            pymemcache,
            *stale,
            expired=True,
        ),
    ]
