"""Every public name of dogpile.cache, with its parameters, is in dogpile_cache."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

NAMES = {
    "": "make_region CacheRegion register_backend",
    "api": (
        "BytesBackend CacheBackend CacheMutex CachedValue CantDeserializeException "
        "DefaultSerialization NO_VALUE NoValueType KeyType ValuePayload MetaDataType "
        "Serializer Deserializer KeyManglerType BackendArguments BackendFormatted "
        "BackendSetType CacheReturnType SerializedReturnType"
    ),
    "region": (
        "CacheRegion make_region RegionInvalidationStrategy "
        "DefaultInvalidationStrategy value_version register_backend"
    ),
    "proxy": "ProxyBackend",
    "exception": (
        "DogpileCacheException RegionAlreadyConfigured RegionNotConfigured "
        "ValidationError PluginNotFound"
    ),
    "util": (
        "function_key_generator function_multi_key_generator sha1_mangle_key "
        "kwarg_function_key_generator length_conditional_mangler coerce_string_conf "
        "to_list memoized_property PluginLoader KeyReentrantMutex NameRegistry "
        "ReadWriteMutex repr_obj"
    ),
    "lock": "Lock NeedRegenerationException",
    "backends.memory": "MemoryBackend MemoryPickleBackend",
    "backends.null": "NullBackend",
    "backends.file": "DBMBackend FileLock AbstractFileLock",
    "backends.memcached": (
        "GenericMemcachedBackend MemcachedBackend PylibmcBackend PyMemcacheBackend "
        "BMemcachedBackend"
    ),
    "backends.redis": (
        "RedisBackend RedisSentinelBackend RedisClusterBackend _RedisLockWrapper"
    ),
    "backends.valkey": "ValkeyBackend ValkeySentinelBackend ValkeyClusterBackend",
}
PAIRS = [(module, name) for module, names in NAMES.items() for name in names.split()]

ELSEWHERE = {"util": "dogpile.util", "lock": "dogpile.lock"}
"""Where dogpile.cache keeps what is not in its module of the same name."""


def both(module: str, name: str) -> tuple[Any, Any]:
    """Return what a name is in dogpile.cache and in dogpile_cache."""
    suffix = f".{module}" if module else ""
    new = getattr(importlib.import_module(f"dogpile_cache{suffix}"), name)
    places = [f"dogpile.cache{suffix}", ELSEWHERE.get(module, "")]
    for place in filter(None, places):
        try:
            return getattr(importlib.import_module(place), name), new
        except (ImportError, AttributeError):
            continue
    raise AssertionError(f"dogpile.cache has no {module}.{name}")


def callables(thing: Any) -> dict[str, Callable[..., Any]]:
    """Return what can be called of a class or function, by name."""
    if not inspect.isclass(thing):
        return {"": thing} if callable(thing) else {}
    members = inspect.getmembers(thing, callable)
    found = {name: member for name, member in members if not name.startswith("_")}
    if thing.__init__ is not object.__init__ and not issubclass(thing, Exception):
        found["__init__"] = thing.__init__
    return found


def shown(default: Any) -> Any:
    """Return what a default is compared by: functions and classes by their name."""
    return getattr(default, "__name__", default)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return None


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_every_parameter_of_theirs_is_in_ours_at_its_place(
    module: str, name: str
) -> None:
    old, new = both(module, name)
    assert inspect.isclass(old) == inspect.isclass(new)
    ours = callables(new)
    for member, function in callables(old).items():
        assert member in ours, f"{name}.{member} is missing"
        theirs, mine = parameters(function), parameters(ours[member])
        if theirs is None or mine is None:
            continue
        for position, parameter in enumerate(theirs):
            where = f"{name}.{member}({parameter.name})"
            assert position < len(mine), f"{where} is missing"
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                kinds = {each.kind for each in mine}
                assert parameter.kind in kinds or len(mine) > position, where
                continue
            assert mine[position].name == parameter.name, where
            assert shown(mine[position].default) == shown(parameter.default), where
            assert mine[position].kind == parameter.kind, where


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_every_attribute_of_a_class_of_theirs_is_in_ours(
    module: str, name: str
) -> None:
    old, new = both(module, name)
    if inspect.isclass(old):
        missing = {each for each in dir(old) if not each.startswith("_")} - {*dir(new)}
        assert not missing


@pytest.mark.parametrize("name", NAMES["exception"].split())
def test_errors_have_the_same_ancestors(name: str) -> None:
    old, new = both("exception", name)
    ancestors = [cls.__name__ for cls in old.__mro__]
    assert [c.__name__ for c in new.__mro__ if c.__name__ in ancestors] == ancestors


def test_the_version_of_the_stored_format_is_the_same() -> None:
    old, new = both("region", "value_version")
    assert old == new


@pytest.mark.parametrize(
    "name",
    "null memory memory_pickle dbm memcached pylibmc pymemcache bmemcached redis "
    "redis_sentinel redis_cluster valkey valkey_sentinel valkey_cluster".split(),
)
def test_every_backend_goes_by_the_same_name(name: str) -> None:
    old = importlib.import_module("dogpile.cache.backends")._backend_loader
    new = importlib.import_module("dogpile_cache.plugins")._backend_loader
    backend = f"dogpile.cache.{name}"
    assert new.load(backend).__name__ == old.load(backend).__name__
    theirs = [cls.__name__ for cls in old.load(backend).__mro__]
    ours = [cls.__name__ for cls in new.load(backend).__mro__]
    assert "CacheBackend" in ours
    assert ("BytesBackend" in ours) == ("BytesBackend" in theirs)
