"""The shelf of new books: what changes when somebody presses a button."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_BOOKS = (
    ("The Lighthouse Accounts", "M. Obi"),
    ("Salt & Tar: A History", "A. Brandt"),
    ("Forty Harbours", "I. Castellano"),
    ("What the Ferry Carried", "R. Lindqvist"),
    ("Letters <Undelivered>", "T. Nakata"),
    ("Atlas of Small Islands", "M. Obi"),
)
_COPIES = 5


@dataclass
class Book:
    """Be a book of which there are some copies."""

    id: int
    title: str
    author: str
    copies: int


class Shelf:
    """Hold the new books, in a file that processes share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        rows = [(id, *book, _COPIES) for id, book in enumerate(_BOOKS)]
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("CREATE TABLE book (id, title, author, copies)")
            database.executemany("INSERT INTO book VALUES (?, ?, ?, ?)", rows)

    @property
    def books(self) -> list[Book]:
        """The books as they are now."""
        with closing(sqlite3.connect(self._path)) as database:
            return [Book(*row) for row in database.execute("SELECT * FROM book")]

    def borrow(self, id: int) -> None:
        """Take a copy of a book, if there is one left."""
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute(
                "UPDATE book SET copies = copies - 1 WHERE id = ? AND copies > 0", [id]
            )
