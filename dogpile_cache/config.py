"""Regions from settings: a mapping, or a section of an ini file.

::

    dogpile_cache.regions = short, long
    dogpile_cache.short.backend = dogpile.cache.memory
    dogpile_cache.short.expiration_time = 60
    dogpile_cache.long.backend = dogpile.cache.redis
    dogpile_cache.long.expiration_time = 3600
    dogpile_cache.long.arguments.url = redis://localhost/0

Strings become numbers, booleans or None where they look like one.  Unlike
``configure_from_config``, this module takes no setting that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .exception import MissingSetting, ValidationError
from .freshness import seconds
from .options import check
from .plugins import load_backend
from .region import CacheRegion, make_region
from .serializers import pair
from .settings import NAMES, read_settings
from .util import coerce_string_conf

_OPTIONS = ("backend", "expiration_time", "serializer", *NAMES, "arguments.<name>")


class Regions(Mapping[str, CacheRegion]):
    """Be the regions of an application, by name.

    A module may import it and decorate functions with its regions before there are any
    settings: until :meth:`configure` is called, it makes a region for each name that is
    asked for.  From then on there are the regions that the settings name.

    :param make: makes the regions; is called with the name.
    """

    setting: str | None = None
    """What the setting that names the regions is called, for errors."""

    def __init__(self, make: Callable[[str], CacheRegion] = make_region) -> None:
        self._make = make
        self._regions: dict[str, CacheRegion] = {}
        self._configured = False

    def configure(
        self, settings: Mapping[str, Any], prefix: str = "dogpile_cache."
    ) -> Regions:
        """Configure every region that the settings name; return self.

        :raises ValidationError: an option is unknown, missing or wrong, a region is not
            in the list of regions, or a region that was handed out is not configured.
        :raises PluginNotFound: a backend is unknown.
        """
        return self.configure_each(read_options(settings, prefix), prefix)

    def configure_each(
        self, regions: Mapping[str, Mapping[str, Any]], prefix: str = ""
    ) -> Regions:
        """Configure regions by their options, in Python's own types; return self.

        All options are looked at before the first region is configured; and when a
        backend cannot be made, none of the regions is left configured.

        :param regions: the options by the names of the regions: ``backend``,
            ``expiration_time``, ``serializer`` and the dict ``arguments``.
        :param prefix: what the settings are called, for the errors.
        :raises ValidationError: as :meth:`configure` does.
        :raises PluginNotFound: a backend is unknown.
        """
        missing = sorted(self._regions.keys() - regions.keys())
        if missing:
            raise ValidationError(
                f"The program uses the regions {', '.join(missing)}, which "
                f"{prefix}regions does not name; it names {_list(regions)}."
            )
        for name, options in regions.items():
            _check(f"{prefix}{name}.", options)
        made = {
            name: self._regions[name] if name in self._regions else self._make(name)
            for name in regions
        }
        _configure_all(made, regions)
        self._regions.update(made)
        self._configured = True
        return self

    def __getitem__(self, name: str) -> CacheRegion:
        if name not in self._regions:
            if self._configured:
                raise UnknownRegion(
                    f"There is no region {name!r}; there are {_list(self._regions)}."
                )
            self._regions[name] = self._make(name)
        return self._regions[name]

    def __contains__(self, name: object) -> bool:
        return name in self._regions  # asking does not make a region

    def __iter__(self) -> Iterator[str]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)


class UnknownRegion(ValidationError, KeyError):
    """Say that no region has the name given, and name those there are."""

    __str__ = Exception.__str__  # a KeyError would put it in quotes


def make_regions(
    settings: Mapping[str, Any],
    prefix: str = "dogpile_cache.",
    make: Callable[[str], CacheRegion] = make_region,
) -> Regions:
    """Return the regions that the settings name, configured; see :class:`Regions`.

    :param make: makes the regions; is called with the name.
    """
    return Regions(make).configure(settings, prefix)


def read_options(
    settings: Mapping[str, Any], prefix: str = "dogpile_cache."
) -> dict[str, dict[str, Any]]:
    """Return the options of each region that the settings name.

    :raises ValidationError: an option is unknown, or of a region that is not named.
    """
    found: dict[str, dict[str, Any]] = {
        name: {"arguments": {}} for name in _names(settings, prefix)
    }
    for key, value in coerce_string_conf(settings).items():
        is_ours = isinstance(key, str) and key.startswith(prefix)
        if not is_ours or key == f"{prefix}regions":
            continue
        name, _, option = key[len(prefix) :].partition(".")
        option, _, argument = option.partition(".")
        if name not in found:
            raise ValidationError(
                f"The setting {key!r} is of no region; {prefix}regions names "
                f"{_list(found)}."
            )
        if argument and option == "arguments":
            found[name]["arguments"][argument] = value
        elif argument or option not in _OPTIONS[:-1]:
            raise _unknown_option(key)
        else:
            found[name][option] = value
    return found


def _configure_all(
    regions: Mapping[str, CacheRegion], options: Mapping[str, Mapping[str, Any]]
) -> None:
    configured: list[CacheRegion] = []
    try:
        for name, region in regions.items():
            given = dict(options[name])
            serializer = given.pop("serializer", None)
            configured.append(region.configure(**given))
            if serializer is not None:
                region.serializer = serializer
    except BaseException:
        for region in configured:
            region._unconfigure()
        raise


def _names(settings: Mapping[str, Any], prefix: str) -> list[str]:
    names = settings.get(f"{prefix}regions")
    if names is None:
        raise MissingSetting(
            f"The setting '{prefix}regions' is missing; it lists the names of the "
            "regions, such as 'short, long'."
        )
    if isinstance(names, str):
        names = [name for name in re.split(r"[,\s]+", names) if name]
    if not isinstance(names, Iterable):
        raise ValidationError(
            f"The setting '{prefix}regions' is {names!r}; allowed are names with commas "
            "between them, and lists of names."
        )
    names = [*names]
    wrong = [str(name) for name in names if not _is_name(name)]
    if wrong:
        raise ValidationError(
            f"{_list(wrong)} cannot be the name of a region; allowed are letters, "
            "digits and the symbols _ and -."
        )
    return names


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and bool(re.fullmatch(r"[\w-]+", name))


def _check(prefix: str, options: Mapping[str, Any]) -> None:
    for option in options:
        if option not in (*_OPTIONS[:-1], "arguments"):
            raise _unknown_option(prefix + option)
    if "backend" not in options:
        raise MissingSetting(f"The setting {prefix + 'backend'!r} is missing.")
    arguments = options.get("arguments") or {}
    for option, given, cls, allowed in (
        ("backend", options["backend"], str, "the name of a backend"),
        ("arguments", arguments, Mapping, "a mapping of their names to values"),
    ):
        if not isinstance(given, cls):
            raise ValidationError(
                f"The setting {prefix + option!r} is {given!r}; allowed is {allowed}."
            )
    seconds(options.get("expiration_time"), f"{prefix}expiration_time")
    read_settings({n: options[n] for n in NAMES if n in options}, prefix)
    pair(options.get("serializer"), None)
    backend = load_backend(options["backend"])
    known = getattr(backend, "options", None)
    if known is None:  # of somebody else
        return
    for argument, value in arguments.items():
        if argument not in known:
            raise ValidationError(
                f"The backend {options['backend']} has no argument {argument!r}; it has "
                f"{_list(known)}."
            )
        check(backend, argument, value, called=f"{prefix}arguments.{argument}")


def _unknown_option(name: str) -> ValidationError:
    return ValidationError(f"There is no option {name!r}; there are {_list(_OPTIONS)}.")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
