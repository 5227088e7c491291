"""Where the two packages differ, both do what is written down."""

from __future__ import annotations

from typing import Any

import pytest

from .differences import DIFFERENCES
from .packages import NEW, OLD, Package, outcome
from .test_side_by_side import comparable


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("root", [OLD, NEW])
@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:dogpile")
def test_the_end_is_as_written_down(name: str, root: str) -> None:
    scenario, theirs, ours = DIFFERENCES[name]
    package = Package(root)
    seen: Any = comparable(outcome(scenario, package), package)
    assert seen == (theirs if root == OLD else ours)
