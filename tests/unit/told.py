"""What the tests of exporters tell: one event of each kind, and errors that name a key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from dogpile_cache.events import Kind, Listener, tell

SECRET = "user 5's secret"


class Refused(Exception):
    """Be an error of an application."""


def tell_all(listener: Listener, name: str | None = "short") -> None:
    """Have one event of each kind happen, and a second hit."""
    region: Any = SimpleNamespace(name=name, listeners=[listener])
    for kind in (*Kind, Kind.HIT):
        seconds = 0.02 if kind in (Kind.CREATED, Kind.WAITED) else None
        error = None
        if kind == Kind.CREATOR_FAILED:
            error = Refused(f"cannot load {SECRET}")
        elif kind in (Kind.BACKEND_FAILED, Kind.REJECTED):
            error = ConnectionError(f"cannot ask for {SECRET}")
        tell(region, kind, SECRET, seconds, error)
