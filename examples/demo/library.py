"""A small library with a slow question: which books are borrowed most?

The data are invented, the same ones in every run, and kept in a SQLite file.  The
question is slow by nature: for each book it looks for the one that its readers borrowed
most often besides, so it pairs every loan with all other loans of the same reader.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

YEARS = (2024, 2023)
_READERS = 1_600
_LOANS = 64_000

_SCHEMA = """
CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT, author TEXT, shelf TEXT);
CREATE TABLE loan (reader INTEGER, book INTEGER, year INTEGER);
"""

_MOST_BORROWED = """
WITH together AS (
    SELECT a.book, b.book AS other, count(*) AS times
    FROM loan a JOIN loan b ON b.reader = a.reader AND b.book <> a.book
    WHERE a.year = :year AND b.year = :year
    GROUP BY a.book, b.book
), ranked AS (
    SELECT book, other, row_number() OVER (
        PARTITION BY book ORDER BY times DESC, other
    ) AS place
    FROM together
), borrowed AS (
    SELECT book, count(*) AS loans FROM loan WHERE year = :year GROUP BY book
)
SELECT book.title, book.author, book.shelf, borrowed.loans, besides.title AS besides
FROM borrowed
JOIN book ON book.id = borrowed.book
JOIN ranked ON ranked.book = borrowed.book AND ranked.place = 1
JOIN book AS besides ON besides.id = ranked.other
ORDER BY borrowed.loans DESC, book.title
LIMIT 50
"""


class Library:
    """Answer questions about the loans, and count how often the slow one was asked.

    It is counted over all processes that were forked since.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked = path.with_suffix(".asked")  # a byte for each time
        self._asked.touch()
        with closing(sqlite3.connect(path)) as database, database:
            database.executescript(_SCHEMA)
            database.executemany("INSERT INTO book VALUES (?, ?, ?, ?)", _books())
            database.executemany("INSERT INTO loan VALUES (?, ?, ?)", _loans())

    @property
    def queries(self) -> int:
        """How often the slow question was asked."""
        return self._asked.stat().st_size

    def most_borrowed(self, year: int) -> list[dict[str, Any]]:
        """Return the 50 books that were borrowed most: the slow question."""
        with self._asked.open("ab") as file:
            file.write(b"?")
        with closing(sqlite3.connect(self._path)) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute(_MOST_BORROWED, {"year": year})
            return [dict(row) for row in rows]


def _books() -> Iterator[tuple[int, str, str, str]]:
    adjectives = ("Amber", "Borrowed", "Distant", "Quiet", "Salt & Tar", "Winter")
    nouns = ("Atlas", "Ferry", "Garden", "Harbour", "Lantern", "Letters", "Tide")
    authors = ("A. Brandt", "I. Castellano", "M. Obi", "R. Lindqvist", "T. Nakata")
    rng = random.Random(11)
    for id, (adjective, noun) in enumerate(product(adjectives, nouns * 2)):
        title = f"The {adjective} {noun}" if id % 14 < 7 else f"{noun}, {adjective}"
        yield id, title, rng.choice(authors), f"{rng.choice('ABCDEF')}{id % 9 + 1}"


def _loans() -> Iterator[tuple[int, int, int]]:
    rng = random.Random(7)
    for _ in range(_LOANS):
        reader = rng.randrange(_READERS)
        taste = reader % 5 * 17  # whose favourites come first
        yield reader, int(taste + rng.expovariate(1 / 20)) % 84, rng.choice(YEARS)
