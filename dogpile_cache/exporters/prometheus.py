"""Events as metrics of Prometheus; install ``dogpile-templates[prometheus]``.

============================================  =========================================
metric                                        label beside ``region``, and its values
============================================  =========================================
``dogpile_cache_requests_total``              ``outcome``: hit, miss, stale
``dogpile_cache_creation_seconds``
``dogpile_cache_wait_seconds``
``dogpile_cache_failures_total``              ``source``: creator, backend
``dogpile_cache_circuit_transitions_total``   ``state``: open, closed
``dogpile_cache_evictions_total``
``dogpile_cache_rejections_total``
============================================  =========================================

The label ``region`` of a region without a name is empty.  All are counters and
histograms, which ``prometheus_client`` adds up over processes in its multi-process mode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dogpile_cache.events import Event
from dogpile_cache.options import library

from .instruments import BOUNDARIES, COUNTED, COUNTERS, TIMED

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class PrometheusListener:
    """Count events, and observe durations, in a registry of ``prometheus_client``.

    A registry has each metric but once, so make one listener and add it to all regions.

    :param registry: where the metrics are; by default in the library's own registry.
    :raises LibraryNotInstalled: ``prometheus-client`` is not there.
    :raises ValueError: the registry has these metrics already.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        client = library("prometheus_client", "prometheus")
        where = client.REGISTRY if registry is None else registry
        self._counters = {
            counter: client.Counter(
                f"dogpile_cache_{counter.name}",
                counter.description,
                ["region", *filter(None, [counter.attribute])],
                registry=where,
            )
            for counter in COUNTERS
        }
        self._histograms = {
            kind: client.Histogram(
                f"dogpile_cache_{timer.name}_seconds",
                timer.description,
                ["region"],
                buckets=BOUNDARIES,
                registry=where,
            )
            for kind, timer in TIMED.items()
        }

    def __call__(self, event: Event) -> None:
        region = event.region or ""
        if event.kind not in TIMED:
            counter, value = COUNTED[event.kind]
            labels = (region,) if counter.attribute is None else (region, value)
            self._counters[counter].labels(*labels).inc()
        elif event.seconds is not None:
            self._histograms[event.kind].labels(region).observe(event.seconds)
