"""Rows of what is done with the bytes of a value: read, signed, compressed, bound."""

from __future__ import annotations

import itertools
import json
import pickle
from collections.abc import Mapping
from typing import Any

from benchmarks.harness import THIS, Contender, Row, Sampler, Stage
from benchmarks.regions import AN_HOUR, GET_OR_CREATE, KEY, make_region, never
from benchmarks.remote import redis_floor

SECRET = "a secret of the benchmarks"
HTML = "<li>a page repeats itself</li>" * 34
FORMS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    THIS: ({}, {}),
    "JSON": ({"serializer": "json"}, {}),
    "msgpack": ({"serializer": "msgpack"}, {}),
    "signed": ({}, {"signing_key": SECRET}),
    "compressed": ({}, {"compress_min_bytes": 500}),
    "signed, compressed JSON": (
        {"serializer": "json"},
        {"signing_key": SECRET, "compress_min_bytes": 500},
    ),
}
"""What a region is made with, and configured with."""


def region_of(form: str, backend: str, **arguments: Any) -> Any:
    from dogpile_cache import make_region

    made, configured = FORMS[form]
    return make_region("stored", **made).configure(
        f"dogpile.cache.{backend}", AN_HOUR, arguments, **configured
    )


def redis_hit(form: str) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        region = region_of(form, "redis", url=stage.servers.redis_url)
        key = f"{form} {KEY}"
        region.set(key, HTML)
        return stage.statement(
            GET_OR_CREATE, get_or_create=region.get_or_create, key=key, creator=never
        )

    return prepare


def loaded(form: str) -> Contender:
    """Read the bytes of a value, without a server."""

    def prepare(stage: Stage) -> Sampler:
        kept: dict[str, Any] = {}
        region = region_of(form, "memory_pickle", cache_dict=kept)
        region.set(KEY, HTML)
        load = region._store.load
        return stage.statement(
            "load(stored, key)", load=load, stored=kept[KEY], key=KEY
        )

    return prepare


def without_digest(stage: Stage) -> Sampler:
    kept: dict[str, Any] = {}
    region = make_region(THIS, "memory_pickle", cache_dict=kept)
    metadata = {"ct": 1.7e9, "v": 2}
    kept[KEY] = json.dumps(metadata).encode() + b"|" + pickle.dumps(HTML)
    load = region._store.load
    return stage.statement("load(stored, key)", load=load, stored=kept[KEY], key=KEY)


def unpickled(stage: Stage) -> Sampler:
    return stage.statement("loads(data)", loads=pickle.loads, data=pickle.dumps(HTML))


def digests(stage: Stage) -> Sampler:
    """Digest more keys in turn than are remembered."""
    from dogpile_cache.signing import key_end

    keys = itertools.cycle([f"key {number}" for number in range(4096)])
    return stage.statement("end(next(keys))", end=key_end, next=next, keys=keys)


def remembered_digest(stage: Stage) -> Sampler:
    from dogpile_cache.signing import key_end

    return stage.statement("end(key)", end=key_end, key=KEY)


def rows() -> list[Row]:
    return [
        Row(
            "redis, 1 KB, hit, signed, compressed and as JSON",
            {
                **{form: redis_hit(form) for form in FORMS},
                "redis-py get + loads": redis_floor,
            },
            floor="redis-py get + loads",
        ),
        Row(
            "bytes of 1 KB to a value",
            {
                **{form: loaded(form) for form in FORMS},
                "without key digest": without_digest,
                "pickle.loads": unpickled,
            },
            floor="pickle.loads",
        ),
        Row(
            "key digest",
            {THIS: remembered_digest, "of a key not remembered": digests},
        ),
    ]
