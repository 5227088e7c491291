"""What regions for threads and regions for tasks share: how they are configured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .api import (
    BackendArguments,
    CacheBackend,
    CacheMutex,
    Deserializer,
    Serializer,
)
from .binding import Binding
from .exception import MissingSetting, RegionAlreadyConfigured, ValidationError
from .freshness import seconds
from .invalidation import DefaultInvalidationStrategy, RegionInvalidationStrategy
from .keys import function_key_generator, function_multi_key_generator
from .mutex import Flights
from .plugins import load_backend
from .proxy import ProxyBackend, all_wrapped
from .resting import Resting
from .serializers import pair
from .settings import NAMES, read_settings
from .util import coerce_string_conf

if TYPE_CHECKING:
    from datetime import timedelta

    from typing_extensions import Self, Unpack

    from .events import Listener
    from .protocols import Clock, SettingsGiven
    from .stats import Statistics, Stats

_SWITCHES = ("wrap", "replace_existing_backend")


class BaseRegion(Binding):
    """Hold a region's configuration; not to be used by itself.

    :param name: a name, for logs and for configuration files.
    :param function_key_generator: makes keys from the arguments of functions decorated
        with ``cache_on_arguments``; see :mod:`dogpile_cache.keys`.
    :param function_multi_key_generator: the same for ``cache_multi_on_arguments``.
    :param key_mangler: turns each key into the one that the backend sees.  ``None``
        takes the backend's recommendation, ``False`` leaves keys alone.
    :param serializer: turns payloads into bytes; ``None`` takes the backend's.  The
        pairs ``pickle``, ``json``, ``msgpack`` and ``text`` (strings alone) have a name.
    :param deserializer: turns them back.
    :param async_creation_runner: called as ``runner(region, key, creator, mutex)`` when
        a value is stale, in place of the creator: it sees to it that the creator is
        called, the result set and the mutex released, in its own time.
    :param lock_generator: makes from a (mangled) key the mutex that its creators share,
        in place of the backend's.
    :param clock: tells the time; an object with a ``time()`` method.
    """

    _load: Callable[[str], Any] = staticmethod(load_backend)
    _make_flights: type[Flights] = Flights

    def __init__(
        self,
        name: str | None = None,
        function_key_generator: Callable[..., Any] = function_key_generator,
        function_multi_key_generator: Callable[..., Any] = function_multi_key_generator,
        key_mangler: Any = None,
        serializer: Serializer | str | None = None,
        deserializer: Deserializer | None = None,
        async_creation_runner: Callable[..., None] | None = None,
        lock_generator: Callable[[Any], CacheMutex] | None = None,
        clock: Clock = time,
    ) -> None:
        self.name = name
        self.function_key_generator = function_key_generator
        self.function_multi_key_generator = function_multi_key_generator
        self._own_mangler = key_mangler
        self._own_serializer, self._own_deserializer = pair(serializer, deserializer)
        self._key_mangler: Callable[[Any], Any] | None = key_mangler or None
        self._serializer = self._own_serializer
        self._deserializer = self._own_deserializer
        self.async_creation_runner = async_creation_runner
        self.lock_generator = lock_generator
        self.clock = clock
        self._statistics: Statistics | None = None
        self._listeners: list[Listener] = []
        self._resting = Resting(clock)
        self._flights = self._make_flights()
        self.region_invalidator = DefaultInvalidationStrategy(clock)

    def configure(
        self,
        backend: str,
        expiration_time: float | timedelta | None = None,
        arguments: BackendArguments | None = None,
        _config_argument_dict: Mapping[str, Any] | None = None,
        _config_prefix: str | None = None,
        wrap: Iterable[ProxyBackend | type[ProxyBackend]] = (),
        replace_existing_backend: bool = False,
        region_invalidator: RegionInvalidationStrategy | None = None,
        **settings: Unpack[SettingsGiven],
    ) -> Self:  # long for what there is to say of its parameters
        """Give the region its backend; return the region.

        :param backend: the name of the backend.
        :param expiration_time: the lifetime of values, in seconds or as a timedelta;
            ``None``, -1 and infinity mean that they never expire.
        :param arguments: what the backend is made with; each backend documents its own.
        :param wrap: proxies, classes or instances, the first one outermost.
        :param replace_existing_backend: allow a configured region to be configured anew.
        :param region_invalidator: what ``invalidate()`` uses in place of a time kept in
            this process.
        :param settings: what to do when something fails or is slow, and the like; see
            :class:`~dogpile_cache.settings.Settings`.
        :raises RegionAlreadyConfigured: the region has a backend.
        :raises PluginNotFound: no backend has that name.
        :raises ValidationError: the expiration time, a setting or a proxy is not one.
        """
        if self.is_configured and not replace_existing_backend:
            raise RegionAlreadyConfigured(
                f"This region is already configured with backend: {self.backend}.  "
                "Specify replace_existing_backend=True to replace."
            )
        lifetime = seconds(expiration_time)
        adopted = read_settings(settings)
        cls = self._load(backend)
        if _config_argument_dict is None:
            made = cls({} if arguments is None else arguments)
        else:
            made = cls.from_config_dict(_config_argument_dict, _config_prefix or "")
        proxied = all_wrapped(wrap, made)
        self.expiration_time = lifetime
        self.settings = adopted
        if adopted.collect_stats and self._statistics is None:
            from .stats import Statistics  # costly, and not needed by everybody

            self._statistics = Statistics()
            self.listeners.append(self._statistics)
        self.region_invalidator = (
            self.region_invalidator
            if region_invalidator is None
            else region_invalidator
        )
        self._adopt(made)
        self.backend = proxied
        return self

    def _adopt(self, backend: CacheBackend) -> None:
        """Take what the backend recommends where the region has nothing of its own."""
        if self._own_mangler is None:
            self._key_mangler = getattr(backend, "key_mangler", None)
        if self._own_serializer is None:
            self._serializer = getattr(backend, "serializer", None)
        if self._own_deserializer is None:
            self._deserializer = getattr(backend, "deserializer", None)
        told = {
            "is_expired": self._is_expired,
            "deadline_of": self._deadline_of,
            "region_clock": self.clock,
            "region_name": self.name,
            "on_evict": self._on_evict,
        }
        for name, what in told.items():
            if hasattr(backend, name):
                setattr(backend, name, what)

    def stats(self) -> Stats:
        """Return what has been counted: requests by outcome, creations and failures.

        :raises ValidationError: the region was not configured with ``collect_stats``.
        """
        if self._statistics is None:
            raise ValidationError(
                "This region counts nothing; configure it with collect_stats=True."
            )
        return self._statistics.snapshot()

    def configure_from_config(
        self, config_dict: Mapping[str, Any], prefix: str
    ) -> Self:
        """Configure the region from the entries of a mapping that start with a prefix.

        They are ``backend``, ``expiration_time``, ``arguments.<name>``, ``serializer``,
        ``wrap``, ``replace_existing_backend`` and the names of the settings; strings
        become numbers, booleans or None where they look like one.  Other entries are not
        looked at.
        """
        config = coerce_string_conf(config_dict)
        lifetime = f"{prefix}expiration_time"
        if f"{prefix}backend" not in config:
            raise MissingSetting(
                f"There is no {prefix + 'backend'!r} in the settings; it names the "
                "backend of the region, such as 'dogpile.cache.memory'."
            )
        switches = {
            name: config[prefix + name] for name in _SWITCHES if prefix + name in config
        }
        if f"{prefix}serializer" in config:
            own = pair(config[f"{prefix}serializer"], self._own_deserializer)
            self._own_serializer, self._own_deserializer = own
            self._serializer, self._deserializer = own
        return self.configure(
            config[f"{prefix}backend"],
            expiration_time=seconds(config.get(lifetime), lifetime),
            _config_argument_dict=config,
            _config_prefix=f"{prefix}arguments.",
            **switches,
            **{
                name: config[prefix + name] for name in NAMES if prefix + name in config
            },
        )

    def _unconfigure(self) -> None:
        """Be as before ``configure()``, of which what is adopted is adopted anew."""
        for name in ("backend", "_store", "_fetch", "expiration_time", "settings"):
            self.__dict__.pop(name, None)
