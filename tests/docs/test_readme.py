"""The README tells what the benchmarks measure, in their words."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from benchmarks.__main__ import every_row

README = (Path(__file__).parent.parent.parent / "README.rst").read_text()


def table() -> list[list[str]]:
    found = re.search(
        r"^\.\. csv-table::.*\n(?:   :.*\n)+\n((?:   .*\n)+)", README, re.MULTILINE
    )
    assert found is not None
    lines = [line.strip() for line in found[1].splitlines()]
    return list(csv.reader(lines, skipinitialspace=True))


def general(name: str) -> str:
    """Return the name of a row less what Python and the machine choose.

    They choose the format of dbm files, and how many processes read at once.
    """
    name = re.sub(r"\(dbm\.\w+\)", "(dbm)", name)
    return re.sub(r"in \d+ processes", "in processes", name)


def test_the_table_of_the_readme_has_every_benchmark() -> None:
    told = [general(line[0]) for line in table()]
    names = [general(row.name) for row in every_row()]
    assert [n for n in names if not any(t.startswith(n) for t in told)] == []


def test_the_machine_is_named() -> None:
    assert re.search(r"csv-table:: \d+ cores, Python 3\.\d+", README)
