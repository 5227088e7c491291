"""Values that are signed: whatever else is found is a miss, and the log tells."""

from __future__ import annotations

import asyncio
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.aio import make_async_region
from dogpile_cache.config import make_regions
from dogpile_cache.exception import UnstableArgument, ValidationError
from dogpile_cache.settings import read_settings

SECRET, OTHER = "a secret of the tests", b"another secret of the tests"


def signed(
    kept: dict[str, Any], key: Any = SECRET, name: str | None = "region", **options: Any
) -> CacheRegion:
    return make_region(name, **options).configure(
        "dogpile.cache.memory", 60, {"cache_dict": kept}, signing_key=key
    )


def security(caplog: pytest.LogCaptureFixture) -> list[str]:
    texts = [record.getMessage() for record in caplog.records]
    assert all(text.startswith("Security: ") for text in texts), texts
    caplog.clear()
    return texts


@pytest.mark.parametrize("serializer", [None, "json", "msgpack"])
def test_a_signed_region_keeps_bytes_and_reads_its_own(serializer: Any) -> None:
    kept: dict[str, Any] = {}
    region = signed(kept, serializer=serializer)
    assert region.get_or_create("key", lambda: ["value"]) == ["value"]
    assert type(kept["key"]) is bytes
    assert region.get("key") == ["value"]
    region.set_multi({"a": 1, "b": 2})
    assert region.get_multi(["a", "b"]) == [1, 2]
    assert region.get_or_create_multi(["a", "b"], lambda *keys: []) == [1, 2]
    metadata = json.loads(kept["key"].partition(b"|")[0])
    assert [*metadata] == ["ct", "v", "st", "kd", "hs"]
    assert len(metadata["hs"]) == 64


def test_every_changed_byte_and_every_truncation_is_a_miss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept: dict[str, Any] = {}
    region = signed(kept)
    region.set("key", "value")
    whole = kept["key"]
    for place, byte in enumerate(whole):
        for other in (byte ^ 1, byte ^ 32, 0, ord("|")):
            kept["key"] = whole[:place] + bytes([other]) + whole[place + 1 :]
            if other != byte:
                assert region.get("key") is NO_VALUE, kept["key"]
                assert security(caplog)
        kept["key"] = whole[:place]
        assert region.get("key") is NO_VALUE
        assert security(caplog)
    kept["key"] = whole
    assert region.get("key") == "value"


def test_what_is_not_signed_or_by_another_or_for_another_place_is_a_miss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept: dict[str, Any] = {}
    region = signed(kept)
    region.set_multi({"key": 1, "other": 2})
    own = kept["key"]
    make_region("region").configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": kept}
    ).set("key", 3)
    assert region.get("key") is NO_VALUE
    assert security(caplog) == [
        "Security: the value of 'key' is not signed; it is a miss"
    ]
    for stored in (
        kept["other"],
        *(
            (make.set("key", 4), kept["key"])[1]
            for make in (
                signed(kept, OTHER),
                signed(kept, name="another region"),
                signed(kept, name=None),
            )
        ),
    ):
        kept["key"] = stored
        assert region.get("key") is NO_VALUE
        assert region.get_multi(["key"]) == [NO_VALUE]
        assert (
            security(caplog)
            == ["Security: the value of 'key' has a wrong signature; it is a miss"] * 2
        )
    assert region.get_or_create("key", lambda: "made") == "made"
    assert region.get("key") == "made"
    kept["key"] = own
    assert region.get("key") == 1


def test_a_value_of_another_type_is_a_miss_and_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept: dict[str, Any] = {}
    unsigned = make_region().configure(
        "dogpile.cache.memory", arguments={"cache_dict": kept}
    )
    unsigned.set("key", 1)  # an object
    assert signed(kept).get("key") is NO_VALUE
    assert security(caplog)


def test_nothing_is_unpickled_or_decompressed_before_it_is_verified(
    tmp_path: Path,
) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return open, (str(tmp_path / "made"), "w")

    kept: dict[str, Any] = {}
    region = signed(kept)
    region.set("key", 1)
    head = kept["key"].partition(b"|")[0]
    kept["key"] = head + b"|" + pickle.dumps(Trap())
    assert region.get("key") is NO_VALUE
    unsigned = make_region().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": kept}
    )
    kept["key"] = b'{"ct": 1e9, "v": 2}|' + pickle.dumps(Trap())
    assert region.get("key") is NO_VALUE
    assert not [*tmp_path.iterdir()]
    unsigned.get("key").close()
    assert [*tmp_path.iterdir()]  # it is what it is said to be


def test_a_key_without_stable_representation_cannot_be_signed() -> None:
    region = signed({}, key_mangler=lambda key: "key")
    with pytest.raises(UnstableArgument):
        region.set(object(), 1)
    assert region.get(object()) is NO_VALUE


def test_the_first_key_signs_and_any_of_them_verifies() -> None:
    kept: dict[str, Any] = {}
    signed(kept, SECRET).set("key", 1)
    turned = signed(kept, [OTHER, SECRET])
    assert turned.get("key") == 1
    turned.set("key", 2)
    assert signed(kept, SECRET).get("key") is NO_VALUE
    assert signed(kept, OTHER).get("key") == 2


def test_a_region_without_a_key_reads_what_is_signed() -> None:
    kept: dict[str, Any] = {}
    signed(kept).set("key", 1)
    plain = make_region().configure(
        "dogpile.cache.memory_pickle", arguments={"cache_dict": kept}
    )
    assert plain.get("key") == 1
    assert dict(plain.get_value_metadata("key").metadata).keys() == {"ct", "v", "st"}  # type: ignore[union-attr]


def test_regions_for_tasks_sign_alike() -> None:
    kept: dict[str, Any] = {}
    for_threads = signed(kept)

    async def main() -> None:
        region = make_async_region("region").configure(
            "dogpile.cache.memory", 60, {"cache_dict": kept}, signing_key=SECRET
        )
        await region.set("key", 1)
        assert for_threads.get("key") == 1
        kept["key"] = kept["key"].replace(b"hs", b"HS")
        assert await region.get("key") is NO_VALUE
        assert await region.get_or_create_multi(["key"], two) == [2]

    async def two(*keys: str) -> list[int]:
        return [2]

    asyncio.run(main())
    assert for_threads.get("key") == 2


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("", "has one of 0 characters"),
        ("short", "has one of 5 characters"),
        (b"short", "has one of 5 characters"),
        ([], "is an empty list"),
        ([SECRET, ""], "has one of 0 characters"),
        (f"{SECRET},", "has one of 0 characters"),
        (1234567890123456, "has one of type 'int'"),
        ([SECRET, None], "has one of type 'NoneType'"),
    ],
)
def test_a_key_that_is_none_is_an_error_that_shows_no_secret(
    key: Any, what: str
) -> None:
    with pytest.raises(ValidationError, match=what) as caught:
        signed({}, key)
    assert "texts and bytes of at least 16 characters" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_settings_show_no_secret_and_take_strings() -> None:
    settings = read_settings({"signing_key": f"{SECRET}, {OTHER.decode()}"})
    assert settings.signing_key == (SECRET.encode(), OTHER)
    assert SECRET not in repr(settings)
    assert not read_settings({"signing_key": None}).signing_key
    kept: dict[str, Any] = {}
    options = {
        "regions": "region",
        "region.backend": "dogpile.cache.memory",
        "region.signing_key": f"{OTHER.decode()}, {SECRET}",
    }
    region = make_regions(options, prefix="", make=make_region)["region"]
    region.backend._cache = kept  # type: ignore[attr-defined]
    region.set("key", 1)
    assert signed(kept, OTHER).get("key") == 1
    assert signed(kept, SECRET).get("key") is NO_VALUE
    with pytest.raises(ValidationError, match=r"region\.signing_key"):
        make_regions({**options, "region.signing_key": "short"}, prefix="")
