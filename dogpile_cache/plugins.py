"""Names to classes, loaded when they are used.

The backends of this package are known by name without being imported.  Others come from
:func:`register_backend` or from the entry point group ``dogpile.cache``, so that
backends written for dogpile.cache are found, too.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from .exception import PluginNotFound, ValidationError

_BACKENDS = {
    "dogpile.cache.null": ("null", "NullBackend"),
    "dogpile.cache.memory": ("memory", "MemoryBackend"),
    "dogpile.cache.memory_pickle": ("memory", "MemoryPickleBackend"),
    "dogpile.cache.dbm": ("file", "DBMBackend"),
    "dogpile.cache.lmdb": ("lmdb", "LmdbBackend"),
    "dogpile.cache.memcached": ("memcached", "MemcachedBackend"),
    "dogpile.cache.pylibmc": ("memcached", "PylibmcBackend"),
    "dogpile.cache.pymemcache": ("memcached", "PyMemcacheBackend"),
    "dogpile.cache.bmemcached": ("memcached", "BMemcachedBackend"),
    "dogpile.cache.redis": ("redis", "RedisBackend"),
    "dogpile.cache.redis_sentinel": ("redis", "RedisSentinelBackend"),
    "dogpile.cache.redis_cluster": ("redis", "RedisClusterBackend"),
    "dogpile.cache.valkey": ("valkey", "ValkeyBackend"),
    "dogpile.cache.valkey_sentinel": ("valkey", "ValkeySentinelBackend"),
    "dogpile.cache.valkey_cluster": ("valkey", "ValkeyClusterBackend"),
}


class PluginLoader:
    """Find the object that goes by a name: a registered one, or an entry point."""

    NotFound = PluginNotFound

    def __init__(self, group: str) -> None:
        self.group = group
        self.impls: dict[str, Callable[[], Any]] = {}

    def register(self, name: str, modulepath: str, objname: str) -> None:
        """Have a name stand for an object of a module, imported when it is asked for."""
        self.impls[name] = lambda: getattr(import_module(modulepath), objname)

    def load(self, name: str) -> Any:
        """Return the object of a name; :class:`PluginNotFound` lists the names."""
        if not isinstance(name, str):
            raise PluginNotFound(
                f"The name of a cache plugin to load is {name!r}; it is a text."
            )
        if name in self.impls:
            return self.impls[name]()
        from importlib.metadata import entry_points  # costly, and rarely needed

        found = entry_points(group=self.group)
        if name in found.names:
            return found[name].load()
        names = sorted({*self.impls, *found.names})
        like = next((each for each in names if each.replace(".", "_", 1) == name), None)
        hint = f"  Did you mean {like!r}?" if like else ""
        raise PluginNotFound(
            f"Couldn't find cache plugin to load: {name!r}; there are "
            f"{', '.join(names)}.{hint}"
        )


_backend_loader = PluginLoader("dogpile.cache")
for _name, (_module, _class) in _BACKENDS.items():
    _backend_loader.register(_name, f"dogpile_cache.backends.{_module}", _class)


_AWAITED = {
    "dogpile.cache.redis": "RedisBackend",
    "dogpile.cache.redis_sentinel": "RedisSentinelBackend",
    "dogpile.cache.redis_cluster": "RedisClusterBackend",
    "dogpile.cache.valkey": "ValkeyBackend",
    "dogpile.cache.valkey_sentinel": "ValkeySentinelBackend",
    "dogpile.cache.valkey_cluster": "ValkeyClusterBackend",
}


def register_backend(name: str, modulepath: str, objname: str) -> None:
    """Have a backend name stand for a class of a module."""
    _backend_loader.register(name, modulepath, objname)


def load_backend(name: str) -> Any:
    """Return the backend class of a name, for a region for threads.

    :raises PluginNotFound: there is none; the error lists the names.
    :raises ValidationError: it is one for tasks alone.
    """
    found = _backend_loader.load(name)
    if getattr(found, "is_awaited", False):
        raise ValidationError(
            f"The backend {name!r} is for tasks; use it with an AsyncCacheRegion of "
            "dogpile_cache.aio."
        )
    return found


def load_awaited_backend(name: str) -> Any | None:
    """Return the backend class of a name for a region for tasks, if there is one."""
    found = _backend_loader.load(name)
    if getattr(found, "is_awaited", False):
        return found
    cls = _AWAITED.get(name)
    if cls is None or not found.__module__.startswith("dogpile_cache."):
        return None  # somebody has given the name to another one
    module = name.split(".")[2].split("_", maxsplit=1)[0]
    loaded = import_module(f"dogpile_cache.backends.{module}_awaited")
    return getattr(loaded, f"Async{cls}")
