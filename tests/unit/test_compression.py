"""Payloads that are compressed: by which library, down to what, and back within bounds."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
import zstandard

from dogpile_cache import NO_VALUE, compression, make_region
from dogpile_cache.compression import LARGEST, compress, decompress
from dogpile_cache.config import make_regions
from dogpile_cache.exception import ValidationError

LONG = "a text that repeats itself " * 100


class _Stream:
    """Read zstd as Python 3.14 does, through another library."""

    def __init__(self, options: dict[Any, int]) -> None:
        assert options == {"window_log_max": 26}
        self.eof, self.unused_data = False, b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        found = zstandard.ZstdDecompressor().stream_reader(data).read(max_length)
        self.eof = len(found) == zstandard.get_frame_parameters(data).content_size
        return found


def _of_python() -> ModuleType:
    module: Any = ModuleType("compression.zstd")
    module.compress = lambda data: zstandard.ZstdCompressor().compress(data)
    module.ZstdDecompressor = _Stream
    module.DecompressionParameter = type("_", (), {"window_log_max": "window_log_max"})
    return module  # type: ignore[no-any-return]


MODULES: dict[str, dict[str, Callable[[], Any]]] = {
    "zlib": {"zstandard": lambda: None, "compression.zstd": lambda: None},
    "zstandard": {},
    "zstd of Python": {
        "zstandard": lambda: None,
        "compression": lambda: ModuleType("compression"),
        "compression.zstd": _of_python,
    },
}


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function after which one library alone compresses."""

    def choose(library: str) -> None:
        compression._zstd.cache_clear()
        for name, make in MODULES[library].items():
            monkeypatch.setitem(sys.modules, name, make())

    yield choose
    compression._zstd.cache_clear()


@pytest.fixture(params=MODULES)
def name(request: pytest.FixtureRequest, only: Callable[[str], None]) -> str:
    only(request.param)
    return "zlib" if request.param == "zlib" else "zstd"


def packed(payload: bytes) -> bytes:
    found = compress(payload)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("size", [100, 100_000, 5_000_000])
def test_a_payload_is_shorter_and_comes_back(name: str, size: int) -> None:
    payload = b"0123456789" * (size // 10)
    found = compress(payload)
    assert found is not None
    assert found[0] == name
    assert len(found[1]) < len(payload) / 2
    assert decompress(*found) == payload


def test_threads_do_not_meet(name: str) -> None:
    payloads = [f"{number} ".encode() * 20_000 for number in range(64)]

    def there_and_back(payload: bytes) -> bytes:
        found = compress(payload)
        assert found is not None
        return decompress(*found)

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(there_and_back, payloads)] == payloads


def test_what_would_be_no_shorter_stays(name: str) -> None:
    assert compress(b"") is None
    assert compress(bytes(range(256))) is None


def test_a_payload_above_the_bound_is_not_compressed_and_a_bomb_not_read(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = packed(bytes(10_001))
    monkeypatch.setattr(compression, "LARGEST", 10_000)
    assert compress(bytes(10_001)) is None
    with pytest.raises(ValueError, match="more than 10000 bytes"):
        decompress(name, bomb)
    assert decompress(name, packed(bytes(10_000))) == bytes(10_000)


def test_a_real_bomb_is_a_miss() -> None:
    bombs = {
        "zlib": zlib.compress(bytes(LARGEST + 1)),
        "zstd": zstandard.ZstdCompressor().compress(bytes(LARGEST + 1)),
    }
    kept: dict[str, Any] = {
        name: b'{"ct": 1, "v": 2, "cz": "%b"}|%b' % (name.encode(), bomb)
        for name, bomb in bombs.items()
    }
    assert all(len(stored) < LARGEST / 500 for stored in kept.values())
    region = make_region().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": kept}
    )
    assert region.get_multi([*bombs]) == [NO_VALUE] * 2


@pytest.mark.parametrize("told", [0, 10, 10_000_000_000])
def test_the_size_that_a_payload_tells_is_not_believed(told: int) -> None:
    data = zstandard.ZstdCompressor(write_content_size=True).compress(bytes(1000))
    assert zstandard.get_frame_parameters(data).content_size == 1000
    place = data.index((1000 - 256).to_bytes(2, "little"))
    size = min(told, 60_000).to_bytes(2, "little")
    lying = data[:place] + size + data[place + 2 :]
    with pytest.raises((ValueError, zstandard.ZstdError)):
        decompress("zstd", lying)


def test_every_truncation_is_refused_and_no_change_does_more(name: str) -> None:
    whole = packed(LONG.encode())
    for length in range(len(whole)):
        with pytest.raises((ValueError, zlib.error, zstandard.ZstdError)):
            decompress(name, whole[:length])
    for place, byte in enumerate(whole):
        changed = whole[:place] + bytes([byte ^ 16]) + whole[place + 1 :]
        try:
            assert len(decompress(name, changed)) <= LARGEST
        except (ValueError, zlib.error, zstandard.ZstdError):
            pass


def test_an_unknown_method_or_one_without_library_is_refused(
    only: Callable[[str], None],
) -> None:
    whole = zstandard.ZstdCompressor().compress(LONG.encode())
    only("zlib")
    for name in ("zstd", "lzma", ""):
        with pytest.raises(ValueError, match="needs a library, or is no method known"):
            decompress(name, whole)


# Regions


@pytest.mark.parametrize("options", [{}, {"signing_key": "0123456789abcdef"}])
def test_a_region_compresses_from_so_many_bytes(
    name: str, options: dict[str, Any]
) -> None:
    kept: dict[str, Any] = {}
    region = make_region(serializer="text").configure(
        "dogpile.cache.memory",
        60,
        {"cache_dict": kept},
        compress_min_bytes=100,
        **options,
    )
    region.set_multi({"long": LONG, "short": "a" * 99, "some": "a" * 100})
    assert region.get_multi(["long", "short", "some"]) == [LONG, "a" * 99, "a" * 100]
    assert region.get_or_create_multi(["long", "short"], lambda *keys: []) == [
        LONG,
        "a" * 99,
    ]
    heads = {key: json.loads(data.partition(b"|")[0]) for key, data in kept.items()}
    assert heads["long"]["cz"] == heads["some"]["cz"] == name
    assert "cz" not in heads["short"]
    assert len(kept["long"]) < len(LONG) / 5
    value = region.get_value_metadata("long")
    assert value is not None
    assert value.metadata.keys() == {"ct", "v", "st"}


def test_what_is_compressed_is_read_without_the_setting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept: dict[str, Any] = {}
    arguments = {"cache_dict": kept}
    make_region().configure(
        "dogpile.cache.memory_pickle", None, arguments, compress_min_bytes=1
    ).set("key", LONG)
    plain = make_region().configure("dogpile.cache.memory_pickle", None, arguments)
    assert plain.get("key") == LONG
    kept["key"] = kept["key"][:-1]
    assert plain.get("key") is NO_VALUE
    kept["key"] = b'{"ct": 1, "v": 2, "cz": "lzma"}|'
    assert plain.get("key") is NO_VALUE
    assert caplog.text.count("The value of 'key' is malformed; it is a miss") == 2


def test_objects_in_memory_stay_what_they_are() -> None:
    region = make_region().configure("dogpile.cache.memory", compress_min_bytes=1)
    value = [LONG]
    region.set("key", value)
    assert region.get("key") is value


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "many", True])
def test_a_setting_that_is_none_is_an_error(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="whole numbers from 1"):
        make_region().configure("dogpile.cache.memory", compress_min_bytes=wrong)


def test_settings_name_the_bytes() -> None:
    options = {
        "regions": "a",
        "a.backend": "dogpile.cache.memory",
        "a.compress_min_bytes": "1000",
    }
    region = make_regions(options, prefix="")["a"]
    assert region.settings.compress_min_bytes == 1000
