"""Warnings in the log ``dogpile_cache``.

``logging`` takes as long to import as half of this package; it is imported when there
is something to say.
"""

from __future__ import annotations

from typing import Any


def warning(message: str, *args: Any, exc_info: bool | BaseException = False) -> None:
    """Log a warning; with ``exc_info``, the exception being handled, too."""
    import logging

    log = logging.getLogger("dogpile_cache")
    log.warning(message, *args, exc_info=exc_info, stacklevel=2)
