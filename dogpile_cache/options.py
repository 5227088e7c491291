"""The arguments of a backend: a table of defaults per class, and one of what is allowed.

``options`` maps the name of each argument to its default.  ``checks`` maps names to a
:class:`Check`, most of them among those below; the default is always allowed, and what
has no check is for the client library to judge.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from .exception import LibraryNotInstalled, ValidationError
from .report import warning


class Check(NamedTuple):
    """Say what is allowed, in the words of an error and as a test."""

    allowed: str
    accepts: Callable[[Any], bool]


def optional(check: Check) -> Check:
    """Allow None, too, where it is not the default."""
    return Check(
        f"None and {check.allowed}", lambda it: it is None or check.accepts(it)
    )


def _number(it: Any) -> bool:
    return isinstance(it, (int, float)) and not isinstance(it, bool)


def _from(least: float) -> Callable[[Any], bool]:
    return lambda it: _number(it) and least <= it < math.inf


def _whole(least: int, most: float = math.inf) -> Callable[[Any], bool]:
    return lambda it: type(it) is int and least <= it <= most


def _path(it: Any) -> bool:
    return isinstance(it, (str, os.PathLike)) and bool(os.fspath(it))


def _digits(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Take digits for the number, as client libraries do."""
    return lambda it: accepts(int(it) if isinstance(it, str) and it.isdecimal() else it)


SECONDS = Check("numbers of seconds from 0", _from(0))
SOME_SECONDS = Check("numbers of seconds above 0", lambda it: _from(0)(it) and it > 0)
MILLISECONDS = Check(
    "0 and numbers of seconds from 0.001", lambda it: it == 0 or _from(0.001)(it)
)
WHOLE = Check("whole numbers from 0", _whole(0))
POSITIVE = Check("whole numbers from 1", _whole(1))
PORT = Check("whole numbers from 1 to 65535", _digits(_whole(1, 65535)))
DATABASE = Check(WHOLE.allowed, _digits(_whole(0)))
SWITCH = Check(
    "True and False",
    lambda it: isinstance(it, (int, type(None))) and it in (0, 1, None),
)
TEXT = Check("texts that are not empty", lambda it: isinstance(it, str) and it != "")
PATH = Check("paths", _path)
PATH_OR_FALSE = Check("paths and False", lambda it: it is False or _path(it))
MAPPING = Check("mappings such as a dict", lambda it: isinstance(it, Mapping))
LIST = Check("lists", lambda it: isinstance(it, (list, tuple)))
FUNCTION = Check("classes and functions", callable)


def check(cls: Any, name: str, value: Any, called: str | None = None) -> None:
    """Raise a ValidationError unless an argument may have this value.

    :param called: what the argument is called where it stands, for the error.
    """
    rule = getattr(cls, "checks", {}).get(name)
    if rule is None or value is cls.options.get(name) or rule.accepts(value):
        return
    raise ValidationError(f"{called or name} is {value!r}; allowed are {rule.allowed}.")


def take(backend: Any, arguments: Mapping[str, Any]) -> None:
    """Set each option of a backend's class on the backend, as given or by default.

    Arguments that are no option are left alone: a subclass may read them.  Our own
    classes do not, so there the log tells.
    """
    cls = type(backend)
    if not isinstance(arguments, Mapping):
        raise ValidationError(
            f"The arguments of {cls.__qualname__} are {arguments!r}; allowed are "
            f"mappings with the names {', '.join(cls.options)}."
        )
    unknown = [name for name in arguments if name not in cls.options]
    if unknown and cls.__module__.startswith("dogpile_cache."):
        warning(
            "%s has no argument %s; it has %s",
            cls.__qualname__,
            ", ".join(map(repr, unknown)),
            ", ".join(cls.options),
        )
    for name, default in cls.options.items():
        value = arguments.get(name, default)
        check(cls, name, value)
        setattr(backend, name, value)


def library(module: str, extra: str) -> Any:
    """Import an optional library; its absence is an error that names the extra."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in (module, module.partition(".")[0]):
            raise  # something else is missing, inside the library
        raise LibraryNotInstalled(module, extra) from error
