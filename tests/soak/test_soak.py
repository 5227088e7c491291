"""Half a minute of the soak; ``make soak`` runs five."""

from __future__ import annotations

import logging

import pytest

from .__main__ import soak
from .pages import Fragments, is_of


@pytest.mark.server
def test_under_random_faults_every_page_is_served_and_right() -> None:
    logging.disable(logging.WARNING)  # of which there are many
    try:
        report = soak(30, seed=5)
    finally:
        logging.disable(logging.NOTSET)
    assert report.faults == [], str(report)
    assert report.pages > 0
    assert report.created > 0
    assert len(report.injected) > 3


def test_the_judge_knows_right_from_wrong() -> None:
    fragment = Fragments().make("1")
    assert is_of(fragment, "1")
    for wrong in (fragment[:-1], fragment.replace("x", "y"), fragment[1:], b"", None):
        assert not is_of(wrong, "1")
    assert not is_of(fragment, "12")
