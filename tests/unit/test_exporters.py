"""Events in OpenTelemetry and in Prometheus: none of them names a key."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from dogpile_cache import __version__
from dogpile_cache.events import Kind
from dogpile_cache.exception import LibraryNotInstalled
from dogpile_cache.exporters.instruments import BOUNDARIES, COUNTED, TIMED
from dogpile_cache.exporters.opentelemetry import OpenTelemetryListener
from dogpile_cache.exporters.prometheus import PrometheusListener

from .told import SECRET, Refused, tell_all


def test_each_kind_is_measured_in_one_instrument() -> None:
    assert COUNTED.keys() | TIMED.keys() == set(Kind)
    assert not COUNTED.keys() & TIMED.keys()
    assert [*BOUNDARIES] == sorted(set(BOUNDARIES))


# OpenTelemetry


class Telemetry:
    """Be an application's SDK, whose metrics can be read."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])

    def scopes(self) -> list[Any]:
        data: Any = self._reader.get_metrics_data()
        return [s for resource in data.resource_metrics for s in resource.scope_metrics]

    def points(self) -> dict[str, dict[tuple[Any, ...], Any]]:
        """Return the data points by the name of the metric and by their attributes."""
        return {
            metric.name: {
                tuple(sorted(point.attributes.items())): point
                for point in metric.data.data_points
            }
            for scope in self.scopes()
            for metric in scope.metrics
        }


@pytest.fixture
def telemetry() -> Any:
    telemetry = Telemetry()
    yield telemetry
    telemetry.provider.shutdown()


REGION = ("dogpile_cache.region", "short")


def test_opentelemetry_counts_each_event(telemetry: Telemetry) -> None:
    tell_all(OpenTelemetryListener(telemetry.provider))
    counted = {
        (name, *attributes): point.value
        for name, points in telemetry.points().items()
        for attributes, point in points.items()
        if not name.endswith("duration")
    }
    prefix = "dogpile_cache."
    failed = ("error.type", "ConnectionError")
    refused = ("error.type", f"{Refused.__module__}.Refused")
    assert counted == {
        (f"{prefix}requests", (f"{prefix}outcome", "hit"), REGION): 2,
        (f"{prefix}requests", (f"{prefix}outcome", "miss"), REGION): 1,
        (f"{prefix}requests", (f"{prefix}outcome", "stale"), REGION): 1,
        (f"{prefix}failures", REGION, (f"{prefix}source", "creator"), refused): 1,
        (f"{prefix}failures", REGION, (f"{prefix}source", "backend"), failed): 1,
        (f"{prefix}circuit_transitions", REGION, (f"{prefix}state", "open")): 1,
        (f"{prefix}circuit_transitions", REGION, (f"{prefix}state", "closed")): 1,
        (f"{prefix}evictions", REGION): 1,
        (f"{prefix}rejections", REGION, failed): 1,
    }


@pytest.mark.parametrize("name", ["creation", "wait"])
def test_opentelemetry_records_durations(telemetry: Telemetry, name: str) -> None:
    tell_all(OpenTelemetryListener(telemetry.provider))
    ((attributes, point),) = telemetry.points()[
        f"dogpile_cache.{name}.duration"
    ].items()
    assert attributes == (REGION,)
    assert (point.count, point.sum) == (1, 0.02)
    assert point.explicit_bounds == BOUNDARIES
    assert point.bucket_counts[BOUNDARIES.index(0.025)] == 1


def test_opentelemetry_is_told_units_and_who_measures(telemetry: Telemetry) -> None:
    tell_all(OpenTelemetryListener(telemetry.provider))
    (scope,) = telemetry.scopes()
    assert (scope.scope.name, scope.scope.version) == ("dogpile_cache", __version__)
    for metric in scope.metrics:
        assert metric.description.endswith(".")
        assert metric.name.startswith("dogpile_cache.")
        assert (metric.unit == "s") == metric.name.endswith(".duration")
        assert metric.unit


def test_opentelemetry_is_told_no_key_and_no_name_where_there_is_none(
    telemetry: Telemetry,
) -> None:
    listener = OpenTelemetryListener(telemetry.provider)
    tell_all(listener, None)
    tell_all(listener, "long")
    shown = str(telemetry.scopes())
    assert SECRET not in shown
    assert "None" not in str(telemetry.points().keys())
    evictions = telemetry.points()["dogpile_cache.evictions"]
    assert [*evictions] == [(), (("dogpile_cache.region", "long"),)]


GLOBAL = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from dogpile_cache.events import Event, Kind
from dogpile_cache.exporters.opentelemetry import OpenTelemetryListener

listener, reader = OpenTelemetryListener(), InMemoryMetricReader()
listener(Event(Kind.HIT, "short"))
metrics.set_meter_provider(MeterProvider([reader]))
listener(Event(Kind.HIT, "short"))
(resource,) = reader.get_metrics_data().resource_metrics
(metric,) = resource.scope_metrics[0].metrics
print(metric.name, *[point.value for point in metric.data.data_points])
"""


def test_the_global_provider_may_be_set_later() -> None:
    command = [sys.executable, "-c", GLOBAL]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["dogpile_cache.requests", "1"]


# Prometheus


def samples(exposition: str) -> Mapping[tuple[str, ...], float]:
    """Return the values by name and labels, less when each series was begun."""
    return {
        (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


COUNTS = {
    ("dogpile_cache_requests_total", "outcome=hit", "region=short"): 2,
    ("dogpile_cache_requests_total", "outcome=miss", "region=short"): 1,
    ("dogpile_cache_requests_total", "outcome=stale", "region=short"): 1,
    ("dogpile_cache_failures_total", "region=short", "source=creator"): 1,
    ("dogpile_cache_failures_total", "region=short", "source=backend"): 1,
    ("dogpile_cache_circuit_transitions_total", "region=short", "state=open"): 1,
    ("dogpile_cache_circuit_transitions_total", "region=short", "state=closed"): 1,
    ("dogpile_cache_evictions_total", "region=short"): 1,
    ("dogpile_cache_rejections_total", "region=short"): 1,
    ("dogpile_cache_creation_seconds_count", "region=short"): 1,
    ("dogpile_cache_creation_seconds_sum", "region=short"): 0.02,
    ("dogpile_cache_creation_seconds_bucket", "le=0.01", "region=short"): 0,
    ("dogpile_cache_creation_seconds_bucket", "le=0.025", "region=short"): 1,
    ("dogpile_cache_wait_seconds_count", "region=short"): 1,
    ("dogpile_cache_wait_seconds_sum", "region=short"): 0.02,
}


def test_prometheus_is_shown_each_event() -> None:
    registry = CollectorRegistry()
    tell_all(PrometheusListener(registry))
    exposition = generate_latest(registry).decode()
    assert SECRET not in exposition
    shown = samples(exposition)
    assert {name: shown.get(name) for name in COUNTS} == COUNTS
    others = {name[0] for name in shown.keys() - COUNTS.keys()}
    assert {name.rpartition("_")[2] for name in others} == {"bucket"}


def test_two_regions_may_share_a_listener_of_prometheus() -> None:
    registry = CollectorRegistry()
    listener = PrometheusListener(registry)
    for name in ("short", "long", None):
        tell_all(listener, name)
    shown = samples(generate_latest(registry).decode())
    for name in ("short", "long", ""):
        assert shown["dogpile_cache_evictions_total", f"region={name}"] == 1


def test_a_second_listener_in_one_registry_is_an_error() -> None:
    registry = CollectorRegistry()
    PrometheusListener(registry)
    with pytest.raises(ValueError, match="dogpile_cache_requests"):
        PrometheusListener(registry)


ROOT = Path(__file__).parent.parent.parent
WORKER = """
from dogpile_cache.exporters.prometheus import PrometheusListener
from tests.unit.told import tell_all
tell_all(PrometheusListener())
"""
PAGE = """
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_prometheus_adds_up_processes(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def run(script: str) -> str:
        command = [sys.executable, "-c", script]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=environment,
            cwd=ROOT,
        ).stdout  # fmt: skip

    for _ in range(2):
        run(WORKER)
    shown = samples(run(PAGE))
    assert {name: shown.get(name) for name in COUNTS} == {
        name: 2 * value for name, value in COUNTS.items()
    }


# Libraries that are not there


LIBRARIES: list[tuple[str, type, str]] = [
    ("opentelemetry.metrics", OpenTelemetryListener, "opentelemetry"),
    ("prometheus_client", PrometheusListener, "prometheus"),
]


@pytest.mark.parametrize(("module", "listener", "extra"), LIBRARIES)
def test_a_missing_library_is_an_error_that_names_the_extra(
    module: str, listener: type, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    install = rf"pip install dogpile-templates\[{extra}\]"
    with pytest.raises(LibraryNotInstalled, match=install):
        listener()


def test_no_library_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, dogpile_cache.events, dogpile_cache.stats;"
        "from dogpile_cache.exporters import logs, opentelemetry, prometheus;"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert not {"opentelemetry", "prometheus_client"} & set(run.stdout.split())
