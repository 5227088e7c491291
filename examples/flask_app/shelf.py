"""The shelf of new books: what changes when somebody presses a button."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

_BOOKS = (
    ("The Lighthouse Accounts", "M. Obi"),
    ("Salt & Tar: A History", "A. Brandt"),
    ("Forty Harbours", "I. Castellano"),
    ("What the Ferry Carried", "R. Lindqvist"),
    ("Letters <Undelivered>", "T. Nakata"),
    ("Atlas of Small Islands", "M. Obi"),
)


@dataclass
class Book:
    """Be a book of which there are some copies."""

    id: int
    title: str
    author: str
    copies: int = 5


class Shelf:
    """Hold the new books."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.books = [Book(id, *book) for id, book in enumerate(_BOOKS)]

    def borrow(self, id: int) -> None:
        """Take a copy of a book, if there is one left."""
        with self._lock:
            for book in self.books:
                if book.id == id and book.copies:
                    book.copies -= 1
