"""Events as metrics of OpenTelemetry; install ``dogpile-templates[opentelemetry]``.

============================================  =========  ==============================
metric                                        unit       attribute, and its values
============================================  =========  ==============================
``dogpile_cache.requests``                    requests   ``outcome``: hit, miss, stale
``dogpile_cache.creation.duration``           seconds
``dogpile_cache.wait.duration``               seconds
``dogpile_cache.failures``                    failures   ``source``: creator, backend
``dogpile_cache.circuit_transitions``                    ``state``: open, closed
``dogpile_cache.evictions``                   values
``dogpile_cache.rejections``                  values
============================================  =========  ==============================

The names of attributes begin with ``dogpile_cache.``, too, as the semantic conventions
want it: ``dogpile_cache.outcome``.  All have ``dogpile_cache.region``, if it has a name,
and those of an error have ``error.type``, the name of its class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dogpile_cache import __version__
from dogpile_cache.events import Event
from dogpile_cache.options import library

from .instruments import BOUNDARIES, COUNTED, COUNTERS, TIMED

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider


class OpenTelemetryListener:
    """Count events, and record durations, by the metrics API of OpenTelemetry.

    One may listen to several regions.

    :param meter_provider: where the metrics go; by default to the global provider, which
        may be set later.
    :raises LibraryNotInstalled: ``opentelemetry-api`` is not there.
    """

    def __init__(self, meter_provider: MeterProvider | None = None) -> None:
        metrics = library("opentelemetry.metrics", "opentelemetry")
        meter = metrics.get_meter("dogpile_cache", __version__, meter_provider)
        self._counters = {
            counter: meter.create_counter(
                f"dogpile_cache.{counter.name}", counter.unit, counter.description
            )
            for counter in COUNTERS
        }
        self._histograms = {
            kind: meter.create_histogram(
                f"dogpile_cache.{timer.name}.duration",
                "s",
                timer.description,
                explicit_bucket_boundaries_advisory=BOUNDARIES,
            )
            for kind, timer in TIMED.items()
        }

    def __call__(self, event: Event) -> None:
        attributes = {}
        if event.region is not None:
            attributes["dogpile_cache.region"] = event.region
        if event.error is not None:
            attributes["error.type"] = _name(type(event.error))
        if event.kind not in TIMED:
            counter, value = COUNTED[event.kind]
            if counter.attribute is not None:
                attributes[f"dogpile_cache.{counter.attribute}"] = value
            self._counters[counter].add(1, attributes)
        elif event.seconds is not None:
            self._histograms[event.kind].record(event.seconds, attributes)


def _name(cls: type) -> str:
    if cls.__module__ == "builtins":
        return cls.__qualname__
    return f"{cls.__module__}.{cls.__qualname__}"
