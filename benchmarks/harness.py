"""How a row is measured.

A row sets contenders side by side. A contender is a function that prepares
itself on a ``Stage`` and returns a sampler; each call of a sampler is one
batch and returns one number per figure of the row (most rows have a single
figure: seconds per call).

Contenders take turns, one batch each, and the order rotates from round to
round: whatever disturbs the machine disturbs all of them alike. A figure is
summed up over the rounds by its *minimum* where noise can only add (the time
of a statement), and by its *median* or *maximum* where the spread is the
point (processes, storms).

A row runs on one core, its server with it, unless it says otherwise: a round
trip between two cores is mostly the wake-up of an idle core, several times the
cost of the software, and whether it happens is the scheduler's whim.

This project is judged by ratios of summed-up figures within the run, never by
a bare time.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.servers import Servers

THIS = "dogpile_cache"
THAT = "dogpile.cache"

Summary = Callable[[Sequence[float]], float]
Sampler = Callable[[], Sequence[float]]

_LOOP = """
{keyword}def loop(_rounds, _clock, {names}):
    _begin = _clock()
    for _ in _rounds:
        {source}
    return _clock() - _begin
"""


@dataclass(frozen=True)
class Pace:
    """How long to measure: seconds per batch, and the share of a row's rounds."""

    batch: float = 0.01
    share: float = 1.0

    def rounds(self, wanted: int) -> int:
        return max(1, round(wanted * self.share))


class Stage:
    """What contenders are prepared with; closing it undoes the preparation."""

    def __init__(self, servers: Servers, pace: Pace) -> None:
        self.servers = servers
        self.pace = pace
        self.closing = ExitStack()
        self.event_loop = asyncio.new_event_loop()
        self.closing.callback(self.event_loop.close)

    def directory(self) -> str:
        """Make an empty directory, removed with the stage."""
        return self.closing.enter_context(tempfile.TemporaryDirectory())

    def statement(self, source: str, **names: Any) -> Statement:
        """Compile a statement over ``names``; one that awaits runs in the stage's loop."""
        loop = self.event_loop if "await " in source else None
        return Statement(source, names, self.pace.batch, loop)


Contender = Callable[[Stage], Sampler]


class Statement:
    """One statement, repeated in a compiled loop; a sampler of seconds per call.

    The names are the loop's parameters, so they are looked up as fast as any
    local variable and no call is added to the statement's own.
    """

    def __init__(
        self,
        source: str,
        names: Mapping[str, Any],
        batch: float,
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        scope: dict[str, Any] = {}
        body = source.replace("\n", "\n        ")
        keyword = "async " if loop else ""
        exec(_LOOP.format(keyword=keyword, names=", ".join(names), source=body), scope)
        self._compiled = scope["loop"]
        self._names = names
        self._event_loop = loop
        self._count = self._calibrate(batch)

    def __call__(self) -> tuple[float]:
        return (self.run(self._count) / self._count,)

    def run(self, count: int) -> float:
        """Repeat the statement and return the seconds all of it took."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            took = self._compiled(
                itertools.repeat(None, count), time.perf_counter, **self._names
            )
            if self._event_loop:
                took = self._event_loop.run_until_complete(took)
            return float(took)
        finally:
            if collecting:
                gc.enable()

    def _calibrate(self, batch: float) -> int:
        count = 1
        while (took := self.run(count)) < batch / 4:
            count *= 2
        return max(1, round(count * batch / took))


@dataclass(frozen=True)
class Reach:
    """A target: this project's figure is at most ``limit`` times that of ``than``.

    Without ``than`` the limit is absolute, in the figure's own unit.
    """

    limit: float
    than: str | None = None


@dataclass(frozen=True)
class Figure:
    """One number of a row: its name (if the row has several), unit, and targets."""

    reach: tuple[Reach, ...] = ()
    name: str = ""
    unit: str = "s"
    summary: Summary = min


@dataclass(frozen=True)
class Row:
    """Contenders by name, which of them is the floor, and what to reach.

    ``note`` is asked after the run, so it may tell what the run has seen.
    """

    name: str
    contenders: Mapping[str, Contender]
    reach: tuple[Reach, ...] = ()
    floor: str | None = None
    rounds: int = 50
    pinned: bool = True
    figures: tuple[Figure, ...] = ()
    note: Callable[[], str] = str

    def all_figures(self) -> tuple[Figure, ...]:
        return self.figures or (Figure(self.reach),)


@dataclass(frozen=True)
class Verdict:
    """What became of one target; ``met`` is None where it was not measured."""

    reach: Reach
    got: float | None

    @property
    def met(self) -> bool | None:
        return None if self.got is None else self.got <= self.reach.limit


@dataclass(frozen=True)
class Outcome:
    """One line of the table: a figure of a row, summed up for each contender."""

    row: Row
    figure: Figure
    values: Mapping[str, float]
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return (
            f"{self.row.name}: {self.figure.name}"
            if self.figure.name
            else self.row.name
        )

    def ratio(self, than: str) -> float | None:
        """Return this project's figure divided by that of ``than``, if both are known."""
        mine, theirs = self.values.get(THIS), self.values.get(than)
        return mine / theirs if mine is not None and theirs else None

    def verdicts(self) -> list[Verdict]:
        return [
            Verdict(
                reach, self.ratio(reach.than) if reach.than else self.values.get(THIS)
            )
            for reach in self.figure.reach
        ]


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and those it starts, on one core, where the system can."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(row: Row, servers: Servers, pace: Pace) -> list[Outcome]:
    """Prepare the contenders of a row, let them take turns, and sum up."""
    stage = Stage(servers, pace)
    samplers: dict[str, Sampler] = {}
    absent: dict[str, str] = {}
    with stage.closing:
        for name, prepare in row.contenders.items():
            with _set_aside(name, samplers, absent):
                samplers[name] = prepare(stage)
                samplers[name]()  # the first batch only warms up
        samples = _take_turns(samplers, pace.rounds(row.rounds), absent)
    return [
        Outcome(row, figure, _sum_up(samples, index, figure.summary), absent)
        for index, figure in enumerate(row.all_figures())
    ]


def _take_turns(
    samplers: dict[str, Sampler], rounds: int, absent: dict[str, str]
) -> dict[str, list[Sequence[float]]]:
    names = list(samplers)
    samples: dict[str, list[Sequence[float]]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % max(1, len(names))
        for name in names[first:] + names[:first]:
            if name in samplers:
                with _set_aside(name, samplers, absent):
                    samples[name].append(samplers[name]())
    return {name: samples[name] for name in samplers}


@contextmanager
def _set_aside(
    name: str, samplers: dict[str, Sampler], absent: dict[str, str]
) -> Iterator[None]:
    """Drop a contender that fails, with its reason; the others go on."""
    try:
        yield
    except Exception as error:  # whatever a package does wrong, it is the finding
        samplers.pop(name, None)
        absent[name] = f"{type(error).__name__}: {error}"


def _sum_up(
    samples: Mapping[str, list[Sequence[float]]], index: int, summary: Summary
) -> dict[str, float]:
    return {
        name: summary([row[index] for row in rows]) for name, rows in samples.items()
    }


def select(rows: Sequence[Row], pattern: str) -> list[Row]:
    """Return the rows whose name matches a regular expression, ignoring case."""
    return [row for row in rows if re.search(pattern, row.name, re.IGNORECASE)]
