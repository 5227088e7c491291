"""The arguments of a backend: one table of names and defaults per class."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .exception import LibraryNotInstalled


def take(backend: Any, arguments: Mapping[str, Any]) -> None:
    """Set each option of a backend's class on the backend, as given or by default.

    Arguments that are no option are left alone: a subclass may read them.
    """
    for name, default in type(backend).options.items():
        setattr(backend, name, arguments.get(name, default))


def library(module: str, extra: str) -> Any:
    """Import an optional library; its absence is an error that names the extra."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in (module, module.partition(".")[0]):
            raise  # something else is missing, inside the library
        raise LibraryNotInstalled(module, extra) from error
