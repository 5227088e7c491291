"""Both packages play small scenarios to the same end."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from . import scenarios_decorated, scenarios_tools
from .packages import NEW, OLD, Package, outcome
from .scenarios import SCENARIOS, Scenario

assert scenarios_decorated and scenarios_tools  # they have added to SCENARIOS


def comparable(thing: Any, package: Package) -> Any:
    """Return what was seen with the NO_VALUE of a package by its name."""
    if thing is package.NO_VALUE:
        return "NO_VALUE"
    if isinstance(thing, (list, tuple)):
        return [comparable(item, package) for item in thing]
    return thing


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_end_is_the_same(scenario: Scenario) -> None:
    seen = {}
    for root in (OLD, NEW):
        package = Package(root)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if root == OLD else "error")
            seen[root] = comparable(outcome(scenario, package), package)
    assert not isinstance(seen[OLD], str), f"the scenario is wrong: it {seen[OLD]}"
    assert seen[NEW] == seen[OLD]
