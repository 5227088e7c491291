"""What a cached fragment promises, whichever engine renders it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path

import pytest
from markupsafe import Markup

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.testing import SettableClock
from dogpile_templates import FragmentError, UnknownRegion, UnstableKeyPart
from tests.unit.threads import PATIENCE, Call, Creation

from .engines import ENGINES, Engine

THREADS = 16
ROOT = Path(__file__).parents[2]


def test_a_fragment_is_rendered_once_and_served_after(engine: Engine) -> None:
    page, numbers = engine.page("no. "), count(1)
    views = [page(key="k", make=lambda: next(numbers)) for _ in range(3)]
    assert views == ["no. 1"] * 3


@pytest.mark.parametrize(
    "keys",
    [
        (1, "1"),
        (1, True),
        ("b_c", ["b", "c"]),
        (("ab", "c"), ("a", "bc")),
        (None, "None"),
    ],
)
def test_keys_that_differ_in_type_or_grouping_are_two_fragments(
    engine: Engine, keys: tuple[object, object]
) -> None:
    page = engine.page("")
    for _ in range(2):
        views = [page(key=key, make=lambda i=i: i) for i, key in enumerate(keys)]
        assert views == ["0", "1"]


def test_two_templates_of_one_source_but_two_names_are_two(engine: Engine) -> None:
    for name in ("a-b.html", "a_b.html"):
        page = engine.page("", name=name)
        assert page(key="k", make=lambda name=name: name) == name


def test_two_templates_from_strings_with_one_key_are_two(engine: Engine) -> None:
    texts = [f"text {i} " for i in range(20)]  # whose addresses are used again
    views = [engine.page(text)(key="k", make=str) for text in texts]
    assert views == texts


def test_two_templates_from_one_string_are_one(engine: Engine) -> None:
    assert engine.page("x")(key="k", make=lambda: 1) == "x1"
    assert engine.page("x")(key="k", make=lambda: 2) == "x1"


def test_a_template_whose_source_changed_does_not_show_its_old_text(
    regions: dict[str, CacheRegion],
) -> None:
    for kind in ENGINES.values():
        old, new = (kind(regions).page(text, name="page.html") for text in "ab")
        assert old(key="k", make=str) == "a"
        assert new(key="k", make=str) == "b"
        assert old(key="k", make=str) == "a"


def test_a_storm_renders_once_and_gives_everyone_the_same(engine: Engine) -> None:
    page, barrier = engine.page("no. "), threading.Barrier(THREADS)
    asking, numbers = threading.Semaphore(0), count(1)

    def make() -> int:
        for _ in range(THREADS):
            assert asking.acquire(timeout=PATIENCE)
        return next(numbers)

    def view() -> str:
        barrier.wait(PATIENCE)
        asking.release()
        return page(key="k", make=make)

    views = [Call(view) for _ in range(THREADS)]
    assert {view.result() for view in views} == {"no. 1"}
    assert next(numbers) == 2


def test_while_a_stale_fragment_is_rendered_anew_the_others_are_served_the_old_one(
    engine: Engine, clock: SettableClock
) -> None:
    page = engine.page("")
    page(key="k", make=lambda: "old")
    clock.move(6)
    make = Creation("new")
    renewed = Call(lambda: page(key="k", make=make))
    make.wait_for_start()
    assert page(key="k", make=lambda: "another") == "old"
    make.end()
    assert renewed.result() == "new"
    assert page(key="k", make=lambda: "another") == "new"


def test_a_body_that_raises_runs_once_stores_nothing_and_frees_the_lock(
    engine: Engine,
) -> None:
    page, calls = engine.page(""), []

    def fail() -> None:
        calls.append("fail")
        raise ZeroDivisionError("in the body")

    with pytest.raises(ZeroDivisionError, match="in the body"):
        page(key="k", make=fail)
    assert calls == ["fail"]
    later = Call(lambda: page(key="k", make=lambda: "fine"))  # a lock would keep it out
    assert later.result() == "fine"


def test_the_lifetime_is_that_of_the_fragment_and_not_of_its_region(
    engine: Engine, clock: SettableClock
) -> None:
    page, numbers = engine.page("", timeout=5), count(1)

    def view() -> str:
        return page(key="k", make=lambda: next(numbers))

    assert view() == "1"
    clock.move(4.9)
    assert view() == "1"
    clock.move(0.2)
    assert view() == "2"


def test_each_fragment_goes_to_the_region_it_names(
    engine: Engine, regions: dict[str, CacheRegion], clock: SettableClock
) -> None:
    page = engine.page("", region="long")
    assert page(key="k", make=lambda: 1) == "1"
    clock.move(1)
    regions["short"].invalidate()
    assert page(key="k", make=lambda: 2) == "1"
    regions["long"].invalidate()
    assert page(key="k", make=lambda: 3) == "3"


@pytest.mark.parametrize("kind", ENGINES)
def test_a_fragment_is_the_same_from_a_backend_that_keeps_bytes(kind: str) -> None:
    region = make_region().configure("dogpile.cache.memory_pickle")
    page = ENGINES[kind]({"short": region}).page("<b>ü ")
    views = [page(key="k", make=lambda i=i: Markup(f"<i>{i}</i>")) for i in range(2)]
    assert views == ["<b>ü <i>0</i>"] * 2


def test_a_wrong_region_is_an_error_that_lists_the_regions(engine: Engine) -> None:
    with pytest.raises(UnknownRegion, match=r"No region 'shrt'.* has 'long', 'short'"):
        engine.page("", region="shrt")(key="k", make=str)


def test_a_key_whose_repr_is_an_address_is_an_error_and_nothing_is_rendered(
    engine: Engine,
) -> None:
    calls: list[int] = []
    with pytest.raises(UnstableKeyPart, match="Pass an id instead") as caught:
        engine.page("")(key=object(), make=lambda: calls.append(1))
    assert isinstance(caught.value, FragmentError)
    assert calls == []


IN_ANOTHER_PROCESS = """
import sys
from dogpile_cache import make_region
from tests.templates.engines import ENGINES
region = make_region().configure("dogpile.cache.memory")
ENGINES[sys.argv[1]]({"short": region}).page("x")(key={"a", "b", 1}, make=str)
print(*region.backend._cache)
"""


@pytest.mark.parametrize("kind", ENGINES)
def test_keys_are_the_same_in_every_process(kind: str) -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", IN_ANOTHER_PROCESS, kind],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert printed.pop().startswith("fragment:")


@pytest.mark.parametrize("name", ENGINES)
def test_fragments_are_rendered_by_the_thread_that_needs_them(
    name: str, clock: SettableClock
) -> None:
    def never(*args: object) -> None:
        raise AssertionError("a fragment was handed over")

    region = make_region(clock=clock, async_creation_runner=never).configure(
        "dogpile.cache.memory",
        expiration_time=10,
        refresh_ahead=0.5,
        creator_timeout=(1e-9, 1e-9),
    )
    page = ENGINES[name]({"short": region}).page("by ", timeout=10)
    for moved in (0, 6, 11):  # missing, fresh for a while, stale
        clock.move(moved)
        assert page(key="k", make=threading.get_ident) == f"by {threading.get_ident()}"
