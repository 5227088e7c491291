"""Books that the library does not have, and the readers who want them."""

from __future__ import annotations

from dataclasses import dataclass

_WANTED = (
    ("tides", "Tides & Timetables", "Ada"),
    ("lamps", "The Lamplighter's Daughter", "Grace"),
    ("fog", "A Field Guide to Fog", "Linus"),
    ("knots", "Knots, Bends & Hitches", "Margaret"),
    ("letters", "Letters from the Lighthouse", "Barbara"),
)


@dataclass
class Wish:
    """Be a book, and the names of those who want it."""

    id: str
    title: str
    readers: list[str]


def make_wishes() -> dict[str, Wish]:
    """Return the wishes that everybody starts with, by their ids."""
    return {id: Wish(id, title, [reader]) for id, title, reader in _WANTED}
