"""What a region may be told beyond its backend: names, defaults and what is allowed.

All of it is off by default or costs a hit nothing.  ``configure()`` takes these names as
keywords; so do ``configure_from_config`` and the options of :mod:`dogpile_cache.config`,
where the values may be strings.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .exception import ValidationError
from .options import POSITIVE, SWITCH, Check, optional
from .signing import SecretKeys, secret_keys


class Settings(NamedTuple):
    """Hold the settings of a region, in the form that the region uses.

    :param stale_if_error: how long ago a value may have expired to be served in place of
        an error of the creator; 0 for never.
    :param retry_after: how long a creator is left alone then.
    :param share_errors: raise an error of a creator to all who wait for it, too.
    :param creator_timeout: after how long a caller is served the stale value, and after
        how long ``CreatorTimeout`` is raised where there is none; one number is the
        second.  The creator goes on.
    :param refresh_ahead: past which fraction of its lifetime a value is made anew in the
        background.
    :param jitter: how much sooner values expire at random, at most half of their
        lifetime: below 1 a fraction of it, from 1 seconds.
    :param on_backend_error: ``miss``, or ``raise`` for errors to go through.
    :param failure_threshold: how many failures in a row open the circuit.
    :param recovery_time: for how long the backend is left alone then.
    :param collect_stats: count for ``stats()``.
    :param signing_key: a text of 16 characters or more, or several of which the first
        signs and any verifies.
    :param compress_min_bytes: from what length payloads are compressed.
    """

    stale_if_error: float = 0.0
    retry_after: float = 5.0
    share_errors: bool = False
    creator_timeout: tuple[float, float] = (math.inf, math.inf)
    refresh_ahead: float | None = None
    jitter: Callable[[float], float] | None = None  # seconds at most, of a lifetime
    on_backend_error: str = "miss"
    failure_threshold: int = 3
    recovery_time: float = 5.0
    collect_stats: bool = False
    signing_key: SecretKeys = SecretKeys()
    compress_min_bytes: int | None = None

    @property
    def is_timed(self) -> bool:
        """Whether creators have a limited time."""
        return self.creator_timeout[1] < math.inf


def _wrong(name: str, value: Any, allowed: str) -> ValidationError:
    return ValidationError(f"{name} is {value!r}; allowed are {allowed}.")


def _is(check: Check) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> Any:
        if not check.accepts(value):
            raise _wrong(name, value, check.allowed)
        return value

    return read


def _number(value: Any) -> float | None:
    """Return seconds, given as a number or a timedelta; None for anything else."""
    if hasattr(value, "total_seconds"):
        value = value.total_seconds()
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    return math.inf if value > sys.float_info.max else value  # and no overflow later


def duration(name: str, value: Any) -> float:
    """Return a number of seconds, or a timedelta, in seconds; None is 0.

    :raises ValidationError: it is something else.
    """
    found = 0 if value is None else _number(value)
    if found is None or not found >= 0:
        raise _wrong(name, value, "numbers of seconds from 0, timedeltas and None")
    return found


def timeouts(name: str, value: Any) -> tuple[float, float]:
    """Return two times in seconds, the first not after the second.

    :param value: a pair, as a string of two numbers, too; or the second of them alone.
        None stands for never.
    :raises ValidationError: it is something else.
    """
    given = value
    if isinstance(value, str):
        from .util import coerce_string_conf

        words = dict(zip("ab", value.split(",", 1)))
        value = tuple(coerce_string_conf(words).values())
    pair = value if isinstance(value, (tuple, list)) else (None, value)
    found = [math.inf if each is None else _number(each) for each in pair]
    if len(found) == 2 and all(each is not None and each > 0 for each in found):
        soft, hard = found
        if soft is not None and hard is not None and (soft <= hard or soft == math.inf):
            return min(soft, hard), hard
    allowed = "pairs of seconds above 0, the first one not above the second, and None"
    raise _wrong(name, given, allowed)


def _fraction(name: str, value: Any) -> float | None:
    found = None if value is None else _number(value)
    if value is not None and (found is None or not 0 < found < 1):
        raise _wrong(name, value, "numbers between 0 and 1, and None")
    return found


def _jitter(name: str, value: Any) -> Callable[[float], float] | None:
    if value is None or value == 0:
        return None
    found = _number(value)
    if found is None or not 0 < found < math.inf:
        raise _wrong(
            name,
            value,
            "fractions of the lifetime below 1, numbers of seconds from 1, timedeltas "
            "and None",
        )
    most = found
    if isinstance(value, float) and most < 1:
        return lambda lifetime: lifetime * most
    return lambda lifetime: min(lifetime, most)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "stale_if_error": duration,
    "retry_after": duration,
    "share_errors": _is(SWITCH),
    "creator_timeout": timeouts,
    "refresh_ahead": _fraction,
    "jitter": _jitter,
    "on_backend_error": _is(
        Check("'miss' and 'raise'", ("miss", "raise").__contains__)
    ),
    "failure_threshold": _is(POSITIVE),
    "recovery_time": duration,
    "collect_stats": _is(SWITCH),
    "signing_key": secret_keys,
    "compress_min_bytes": _is(optional(POSITIVE)),
}
"""What makes of each setting, given its full name and its value, what is used."""

NAMES = tuple(_READERS)
"""The names of the settings."""


def read_settings(given: Mapping[str, Any], prefix: str = "") -> Settings:
    """Return the settings, checked.

    :param prefix: what stands before the names where they were given, for errors.
    :raises ValidationError: a name or a value is wrong.
    """
    for name in given:
        if name not in _READERS:
            raise ValidationError(
                f"There is no setting {prefix + name!r}; there are {', '.join(NAMES)}."
            )
    return Settings(
        **{name: _READERS[name](prefix + name, value) for name, value in given.items()}
    )


def check_tolerance(stale_if_error: Any, creator_timeout: Any) -> None:
    """Raise a ValidationError if what a function is decorated with is wrong."""
    duration("stale_if_error", stale_if_error)
    timeouts("creator_timeout", creator_timeout)
