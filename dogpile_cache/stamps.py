"""Values that have just been made, with the times of their making."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .api import CachedValue, Metadata
from .freshness import seconds

if TYPE_CHECKING:
    from .binding import Binding


def stamp(
    region: Binding, payload: Any, started: float, lifetime: float | None = None
) -> CachedValue:
    """Return a value whose making started at some time, and has ended now.

    With ``jitter`` it is said to have ended a little sooner.
    """
    ended, jitter = region.clock.time(), region.settings.jitter
    lifetime = region.expiration_time if lifetime is None else lifetime
    if jitter is not None and lifetime is not None and 0 < lifetime < math.inf:
        from random import random  # costly, and rarely needed

        ended -= min(jitter(lifetime), lifetime / 2) * random()  # noqa: S311  # no secret
    return CachedValue(payload, Metadata(ended, started))


def stamp_own(
    region: Binding, payload: Any, started: float, lifetime: Any
) -> CachedValue:
    """Return such a value with a lifetime of its own."""
    own = seconds(lifetime)
    times = Metadata(region.clock.time(), started)
    return CachedValue(payload, {**times, "lt": None if own == -1 else own})
