"""Settings: what an ini file says configures regions, or is an error that says why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from dogpile_cache import make_region
from dogpile_cache.config import make_regions
from dogpile_cache.exception import CreatorTimeout, DogpileCacheException
from dogpile_cache.settings import NAMES

PREFIX = "dogpile_cache."
# Without those that would write a file or look for a server.
BACKENDS = ["dogpile.cache.memory", "dogpile.cache.memory_pickle", "dogpile.cache.null"]
_OPTIONS = [
    *NAMES, "expiration_time", "serializer", "wrap", "replace_existing_backend",
    "arguments", "arguments.max_entries", "arguments.cache_dict", "arguments.x",
]  # fmt: skip
_WORDS = [
    "", " ", "none", "true", "0", "-1", "1e999", "nan", "inf", "0.5", "1, 2", "9" * 5000,
    "1" + "0" * 400, "text", "json", "pickle", "raise", "miss", "0123456789abcdef", ",",
    "٣",
]  # fmt: skip

texts = st.sampled_from(_WORDS) | st.text(max_size=8) | st.text("0123456789+-.eE, ")
values: st.SearchStrategy[Any] = (
    texts
    | texts
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=20)
    | st.timedeltas()
    | st.lists(texts | st.integers(), max_size=3)
    | st.dictionaries(texts, texts, max_size=2)
    | st.sampled_from([10**400, object(), {1}])
)
_options = st.dictionaries(st.sampled_from(_OPTIONS) | texts, values, max_size=4)
_backends = st.sampled_from(BACKENDS) | st.sampled_from(BACKENDS) | values
_others = st.dictionaries(st.text(max_size=12) | st.integers(), values, max_size=2)


@st.composite
def _settings(draw: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = {
        f"{PREFIX}r.{name}": value for name, value in draw(_options).items()
    }
    found[f"{PREFIX}r.backend"] = draw(_backends)
    found[f"{PREFIX}regions"] = draw(st.just("r") | st.just("r") | values)
    return {**found, **draw(_others)}


inputs: st.SearchStrategy[dict[Any, Any]] = _settings()


def check(settings: dict[Any, Any]) -> None:
    """Configure regions by some settings, in both ways, and use them."""
    backend = settings.get(f"{PREFIX}r.backend")
    if isinstance(backend, str) and _elsewhere(backend.strip()):
        return
    ways: list[Any] = [
        lambda: make_regions(settings, PREFIX).values(),
        lambda: [make_region().configure_from_config(settings, f"{PREFIX}r.")],
    ]
    for way in ways:
        try:
            regions = way()
        except DogpileCacheException as error:
            assert str(error)
        else:
            _use(regions)


def _elsewhere(backend: str) -> bool:
    return backend.startswith("dogpile.cache.") and backend not in BACKENDS


def _use(regions: Iterable[Any]) -> None:
    for region in regions:
        try:
            assert region.get_or_create("key", lambda: "value") == "value"
            assert region.get_or_create("key", lambda: "value") == "value"
            region.get_or_create_multi(
                ["key", "other"], lambda *keys: ["value"] * len(keys)
            )
        except CreatorTimeout:
            continue
        assert region.get("key") in ("value", region.get("missing"))
        region.invalidate()
        region.delete("key")
