"""Rows of a server: hits on Redis and memcached, and how many commands they take."""

from __future__ import annotations

import pickle
import statistics
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.harness import (
    THAT,
    THIS,
    Contender,
    Figure,
    Reach,
    Row,
    Sampler,
    Stage,
    Statement,
)
from benchmarks.peers import beaker_hit, cashews_hit, diskcache_hit
from benchmarks.regions import (
    GET_OR_CREATE,
    KEY,
    KILOBYTE,
    memcached_region,
    never,
    redis_region,
)

KEYS = [f"key {number}" for number in range(100)]
COUNTED = 50

RegionMaker = Callable[[str, Stage], Any]


def stored_key(package: str) -> str:
    return f"{package} {KEY}".replace(" ", "-")


def hit(make: RegionMaker, package: str) -> Callable[[Stage], Statement]:
    def prepare(stage: Stage) -> Statement:
        region = make(package, stage)
        key = stored_key(package)
        region.set(key, KILOBYTE)
        return stage.statement(
            GET_OR_CREATE, get_or_create=region.get_or_create, key=key, creator=never
        )

    return prepare


# Redis


def redis_client(stage: Stage) -> Any:
    from redis import Redis

    client = Redis.from_url(stage.servers.redis_url)
    stage.closing.callback(client.close)
    return client


def count_commands(client: Any) -> Counter[str]:
    """Count the commands a Redis has run so far, by name, without this one."""
    stats = client.info("commandstats")
    calls = {
        name.removeprefix("cmdstat_"): int(stat["calls"])
        for name, stat in stats.items()
    }
    calls.pop("info", None)
    return Counter(calls)


def counted(prepare: Callable[[Stage], Statement]) -> Contender:
    """Sample the commands that one run of a statement sends, connected already."""

    def prepare_counted(stage: Stage) -> Sampler:
        client = redis_client(stage)
        statement = prepare(stage)

        def sample() -> tuple[float]:
            before = count_commands(client)
            statement.run(COUNTED)
            return ((count_commands(client) - before).total() / COUNTED,)

        return sample

    return prepare_counted


def redis_floor(stage: Stage) -> Statement:
    client = redis_client(stage)
    client.set(KEY, pickle.dumps(KILOBYTE))
    return stage.statement(
        "loads(get(key))", loads=pickle.loads, get=client.get, key=KEY
    )


# Many keys of Redis


def many_hits(package: str) -> Callable[[Stage], Statement]:
    def prepare(stage: Stage) -> Statement:
        region = redis_region(package, stage)
        keys = [f"{package} {key}" for key in KEYS]
        region.set_multi(dict.fromkeys(keys, KILOBYTE))
        return stage.statement(
            "get_or_create_multi(keys, creator)",
            get_or_create_multi=region.get_or_create_multi,
            keys=keys,
            creator=never,
        )

    return prepare


def many_floor(stage: Stage) -> Statement:
    client = redis_client(stage)
    client.mset(dict.fromkeys(KEYS, pickle.dumps(KILOBYTE)))
    return stage.statement(
        "[loads(value) for value in mget(keys)]",
        loads=pickle.loads,
        mget=client.mget,
        keys=KEYS,
    )


# memcached: the floor is the same client reading the same stored value by itself


def raw_hit(backend: str, client: Any, stage: Stage) -> Statement:
    key = stored_key(THIS)
    memcached_region(THIS, backend, stage).set(key, KILOBYTE)
    return stage.statement("get(key)", get=client.get, key=key)


def pymemcache_floor(stage: Stage) -> Sampler:
    from pymemcache.client.hash import HashClient
    from pymemcache.serde import pickle_serde

    client = HashClient([stage.servers.memcached_address], serde=pickle_serde)
    stage.closing.callback(client.close)
    return raw_hit("pymemcache", client, stage)


def pylibmc_floor(stage: Stage) -> Sampler:
    from pylibmc import Client

    host, port = stage.servers.memcached_address
    return raw_hit("pylibmc", Client([f"{host}:{port}"]), stage)


def memcached_row(client: str, floor_name: str, floor: Contender) -> Row:
    def make(package: str, stage: Stage) -> Any:
        return memcached_region(package, client, stage)

    return Row(
        f"memcached ({client}), 1 KB, hit",
        {THIS: hit(make, THIS), THAT: hit(make, THAT), floor_name: floor},
        floor=floor_name,
        reach=(Reach(1.15, floor_name),),
        note=lambda: f"the floor is {floor_name}, by itself reading the same value",
    )


def one_command(
    name: str, this: Callable[[Stage], Statement], that: Callable[[Stage], Statement]
) -> Row:
    return Row(
        name,
        {THIS: counted(this), THAT: counted(that)},
        figures=(Figure((Reach(1),), unit="", summary=statistics.median),),
        rounds=3,
    )


def rows() -> list[Row]:
    return [
        Row(
            "redis, 1 KB, hit",
            {
                THIS: hit(redis_region, THIS),
                THAT: hit(redis_region, THAT),
                "redis-py get + loads": redis_floor,
                "Beaker": beaker_hit(
                    lambda stage: {"type": "ext:redis", "url": stage.servers.redis_url}
                ),
                "cashews": cashews_hit(lambda stage: stage.servers.redis_url),
                "diskcache (a file)": diskcache_hit,
            },
            floor="redis-py get + loads",
            reach=(Reach(0.9, "redis-py get + loads"),),
        ),
        one_command(
            "redis, 1 KB, hit, commands",
            hit(redis_region, THIS),
            hit(redis_region, THAT),
        ),
        Row(
            "redis, get_or_create_multi of 100 hits",
            {
                THIS: many_hits(THIS),
                THAT: many_hits(THAT),
                "mget + loads": many_floor,
            },
            floor="mget + loads",
            reach=(Reach(1.4, "mget + loads"),),
        ),
        one_command(
            "redis, get_or_create_multi of 100 hits, commands",
            many_hits(THIS),
            many_hits(THAT),
        ),
        memcached_row("pymemcache", "HashClient, pickle_serde", pymemcache_floor),
        memcached_row("pylibmc", "pylibmc.Client", pylibmc_floor),
    ]
