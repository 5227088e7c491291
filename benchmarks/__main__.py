"""The command line: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from benchmarks import (
    embedded,
    memory,
    process,
    remote,
    report,
    stored,
    storms,
    tasks,
    templates,
)
from benchmarks.harness import Outcome, Pace, Row, measure, one_core, select
from benchmarks.servers import Servers

MODULES = memory, embedded, remote, stored, tasks, templates, process, storms
QUICK = Pace(batch=0.003, share=0.2)


def every_row() -> list[Row]:
    return [row for module in MODULES for row in module.rows()]


def run(rows: Sequence[Row], pace: Pace) -> list[Outcome]:
    """Measure row after row, naming on stderr the one that is running."""
    outcomes: list[Outcome] = []
    for pinned in (True, False):
        with one_core() if pinned else nullcontext(), Servers() as servers:
            for row in rows:
                if row.pinned is pinned:
                    print(f"{row.name} ...", file=sys.stderr, flush=True)
                    outcomes += measure(row, servers, pace)
    return outcomes


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure this project beside its peers.",
    )
    parser.add_argument(
        "--only", metavar="PATTERN", default="", help="rows that match a regex"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument(
        "--json", metavar="FILE", type=Path, help="write every number to FILE"
    )
    parser.add_argument(
        "--rst", action="store_true", help="print the table for the README"
    )
    parser.add_argument(
        "--strict", action="store_true", help="fail if a target is not met"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(1)
    )  # unwinds, so servers are stopped
    outcomes = run(
        select(every_row(), options.only), QUICK if options.quick else Pace()
    )
    print(report.rst(outcomes) if options.rst else report.text(outcomes))
    if options.json:
        options.json.write_text(json.dumps(report.as_json(outcomes), indent=2) + "\n")
    missed = any(
        not verdict.met for outcome in outcomes for verdict in outcome.verdicts()
    )
    return int(options.strict and missed)


if __name__ == "__main__":
    sys.exit(main())
