"""A run as text, as reStructuredText and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.harness import THAT, THIS, Outcome, Reach, Verdict

COLUMNS = ("", "this", THAT, "floor", "peers", "reach")
SCALES = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


def heading() -> str:
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}. "
        "The minimum over all rounds, unless a row says otherwise; "
        "in brackets, this ÷ that, within the run."
    )


def quantity(value: float, unit: str) -> str:
    """Write a number with its unit; seconds in the scale that reads best."""
    if unit == "s":
        scale, unit = next(
            (pair for pair in SCALES if abs(value) >= pair[0]), SCALES[-1]
        )
        value /= scale
    return f"{number(value)} {unit}".strip()


def number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def target(reach: Reach, unit: str) -> str:
    if reach.than is None:
        return f"≤ {quantity(reach.limit, unit)}"
    limit = min(f"1/{1 / reach.limit:g}", f"{reach.limit:g}", key=len)
    return f"≤ {limit} of {reach.than}"


def judged(verdict: Verdict, unit: str) -> str:
    words = {True: "ok", False: "MISS", None: "not measured"}
    return f"{target(verdict.reach, unit)}: {words[verdict.met]}"


def cells(outcome: Outcome) -> tuple[str, ...]:
    """Return the columns of one line of the table."""
    floor = outcome.row.floor
    peers = [name for name in outcome.row.contenders if name not in (THIS, THAT, floor)]
    summary = outcome.figure.summary
    return (
        outcome.name if summary is min else f"{outcome.name} ({summary.__name__})",
        _cell(outcome, THIS),
        _cell(outcome, THAT),
        _named(outcome, [floor] if floor else []),
        _named(outcome, peers),
        ", ".join(
            judged(verdict, outcome.figure.unit) for verdict in outcome.verdicts()
        ),
    )


def text(outcomes: Sequence[Outcome]) -> str:
    """Return the table in columns, then what was left out and why."""
    lines = [COLUMNS, *map(cells, outcomes)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(COLUMNS))]
    table = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([heading(), "", *table, *_footnotes(outcomes)])


def rst(outcomes: Sequence[Outcome]) -> str:
    """Return the table for a README, less the column of what is to be reached."""
    lines = [COLUMNS, *map(cells, outcomes)]
    head, *rest = [", ".join(f'"{cell}"' for cell in line[:-1]) for line in lines]
    table = [f".. csv-table:: {heading()}", f"   :header: {head}", "   :widths: auto"]
    return "\n".join([*table, "", *(f"   {line}" for line in rest)])


def as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return everything that was measured, in seconds, bytes and counts."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "rows": [
            {
                "name": outcome.name,
                "unit": outcome.figure.unit,
                "summary": outcome.figure.summary.__name__,
                "floor": outcome.row.floor,
                "values": dict(outcome.values),
                "ratios": {name: outcome.ratio(name) for name in outcome.values},
                "absent": dict(outcome.absent),
                "reach": [_verdict(verdict) for verdict in outcome.verdicts()],
            }
            for outcome in outcomes
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    reach = verdict.reach
    return {
        "limit": reach.limit,
        "than": reach.than,
        "got": verdict.got,
        "met": verdict.met,
    }


def _cell(outcome: Outcome, name: str) -> str:
    if name not in outcome.values:
        return "-"
    value = quantity(outcome.values[name], outcome.figure.unit)
    ratio = outcome.ratio(name)
    return value if name == THIS or ratio is None else f"{value} ({number(ratio)})"


def _named(outcome: Outcome, names: Iterable[str]) -> str:
    return ", ".join(f"{name} {_cell(outcome, name)}" for name in names)


def _footnotes(outcomes: Sequence[Outcome]) -> list[str]:
    notes = {
        f"{outcome.row.name}: {note}"
        for outcome in outcomes
        for note in (
            outcome.row.note(),
            *(f"{name} left out, {reason}" for name, reason in outcome.absent.items()),
        )
        if note
    }
    return ["", *sorted(notes)] if notes else []
