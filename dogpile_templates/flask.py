"""Flask: the regions of an application, and its templates' fragments in them.

::

    cache = DogpileCache()

    @cache.region("long").cache_on_arguments()
    def bestsellers(year): ...

    def create_app():
        app = Flask(__name__)
        app.config["DOGPILE_REGIONS"] = {
            "short": {"backend": "dogpile.cache.memory", "expiration_time": 60},
            "long": {
                "backend": "dogpile.cache.redis",
                "expiration_time": 3600,
                "arguments": {"url": "redis://localhost/0"},
                "serializer": "json",
            },
        }
        cache.init_app(app)
        return app

Each application has regions of its own; what :meth:`DogpileCache.region` returns is the
one of the current application, each time it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import click
from flask import (
    Flask,
    Request,
    current_app,
    has_app_context,
    has_request_context,
    request,
)
from flask.cli import AppGroup

from dogpile_cache import CacheRegion
from dogpile_cache.config import Regions
from dogpile_cache.exception import RegionNotConfigured, ValidationError
from dogpile_cache.keys import typed_key_generator, typed_multi_key_generator

from .applications import configure, is_shared, switch
from .flask_settings import REGIONS, check_names, read_options
from .fragments import find_region

__all__ = ["DogpileCache"]

Bypass = Callable[[Request], Any]
BypassT = TypeVar("BypassT", bound=Bypass)

_NAME = "dogpile_cache"
_BYPASSED = "_dogpile_bypassed"


class DogpileCache:
    """Give applications regions, and the tags ``cache`` and ``cacheeach``.

    These are read from an application's configuration:

    - ``DOGPILE_REGIONS``: a dict of names to the options of regions, which are
      ``backend``, ``expiration_time``, ``arguments`` and ``serializer``, in lower or
      upper case;
    - ``DOGPILE_DEFAULT_REGION``: the name of the region for tags that name none;
    - ``DOGPILE_ENABLED``: false, nothing is cached;
    - ``DOGPILE_KEY_PREFIX``: what the keys on a server begin with, which tells this
      application from others there; by default its import name.

    :param app: the first application; others are given to :meth:`init_app`.
    :param bypass: see :meth:`bypass`.
    """

    def __init__(
        self, app: Flask | None = None, *, bypass: Bypass | None = None
    ) -> None:
        self._bypass = bypass
        self._regions: dict[str, AppRegion] = {}
        self._apps: WeakKeyDictionary[Flask, Regions] = WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Configure the regions of an application, and its Jinja environment.

        :raises ValidationError: a setting is missing, unknown or wrong, or
            :meth:`region` was asked for one that is not configured.
        :raises FragmentError: another extension has the tag ``cache``.
        """
        if _NAME in app.extensions:
            raise ValidationError(
                f"The application {app.name!r} was given to a DogpileCache before."
            )
        check_names(app.config)
        options = read_options(app.config.get(REGIONS))
        missing = sorted(self._regions.keys() - options.keys())
        if missing:
            raise ValidationError(
                f"The program uses the regions {', '.join(missing)}, which {REGIONS} "
                f"does not name; it names {', '.join(options) or 'none'}."
            )
        regions = Regions(_make)
        regions.setting = REGIONS
        enabled = switch("DOGPILE_ENABLED", app.config.get("DOGPILE_ENABLED", True))
        configure(
            regions,
            options,
            f"{REGIONS}.",
            application=app.config.get("DOGPILE_KEY_PREFIX") or app.import_name,
            enabled=enabled,
        )
        default = app.config.get("DOGPILE_DEFAULT_REGION")
        if default is not None:
            find_region(regions, default, REGIONS)
        environment: Any = app.jinja_env
        environment.add_extension("dogpile_templates.jinja2.CacheExtension")
        environment.cache_regions = regions
        environment.cache_default_region = default
        environment.cache_bypass = self._is_bypassed
        app.extensions[_NAME] = self
        self._apps[app] = regions
        app.cli.add_command(_commands)

    def region(self, name: str) -> CacheRegion:
        """Return the region of the current application that has a name.

        It may be used for decorating before there is an application.  Where there is no
        application context it is that of the only application, if there is but one.

        :raises UnknownRegion: the applications there are have no such region.
        """
        if self._apps and not any(name in regions for regions in self._apps.values()):
            find_region(next(iter(self._apps.values())), name, REGIONS)
        if name not in self._regions:
            self._regions[name] = AppRegion(name, self)
        return self._regions[name]

    @property
    def regions(self) -> Mapping[str, CacheRegion]:
        """The regions of the current application.

        :raises RegionNotConfigured: there is no current application, or it was not
            given to :meth:`init_app`.
        """
        if has_app_context():
            app = current_app._get_current_object()  # type: ignore[attr-defined]
            if app in self._apps:
                return self._apps[app]
            raise RegionNotConfigured(
                f"The application {app.name!r} was not given to init_app()."
            )
        if len(self._apps) == 1:
            return next(iter(self._apps.values()))
        raise RegionNotConfigured(
            f"There are {len(self._apps)} applications with regions and no application "
            "context; use them in 'with app.app_context():'."
        )

    def bypass(self, function: BypassT) -> BypassT:
        """Have a function tell for which requests no fragment is read or written.

        It is given the request, once for each, as for previews and editors::

            @cache.bypass
            def is_editor(request):
                return "editor" in request.cookies
        """
        self._bypass = function
        return function

    def _is_bypassed(self, context: Any) -> bool:
        if self._bypass is None or not has_request_context():
            return False
        real = request._get_current_object()  # type: ignore[attr-defined]
        answers: dict[str, bool] = vars(real)
        if _BYPASSED not in answers:  # in g it would outlive the request in some tests
            answers[_BYPASSED] = bool(self._bypass(real))
        return answers[_BYPASSED]


class AppRegion(CacheRegion):
    """Be the region of one name of whichever application is the current one.

    Its keys are typed; see :func:`dogpile_cache.keys.typed_key_generator`.
    """

    def __init__(self, name: str, cache: DogpileCache) -> None:
        super().__init__(
            name,
            function_key_generator=typed_key_generator,
            function_multi_key_generator=typed_multi_key_generator,
        )
        self._cache = cache

    def _current(self) -> CacheRegion:
        return self._cache.regions[self.name or ""]

    def configure(self, *args: Any, **kw: Any) -> Any:
        """Refuse to be configured: the applications' settings do that."""
        raise ValidationError(f"The region {self.name!r} is configured by {REGIONS}.")

    configure_from_config = configure


def _delegated(name: str) -> Any:
    def method(self: AppRegion, *args: Any, **kw: Any) -> Any:
        return getattr(self._current(), name)(*args, **kw)

    method.__doc__ = getattr(CacheRegion, name).__doc__
    method.__name__ = name
    return method


def _delegated_attribute(name: str) -> Any:
    return property(lambda self: getattr(self._current(), name))


for _name in (
    "get", "get_multi", "get_value_metadata", "get_or_create", "get_or_create_multi",
    "set", "set_multi", "delete", "delete_multi", "invalidate", "key_is_locked", "wrap",
    "_keep", "_keep_many",
):  # fmt: skip
    setattr(AppRegion, _name, _delegated(_name))
for _name in ("backend", "actual_backend", "is_configured", "expiration_time"):
    setattr(AppRegion, _name, _delegated_attribute(_name))


def _make(name: str) -> CacheRegion:
    return CacheRegion(
        name,
        function_key_generator=typed_key_generator,
        function_multi_key_generator=typed_multi_key_generator,
    )


_commands = AppGroup("cache", help="Look at the regions of the cache, and clear them.")


def _regions() -> Mapping[str, CacheRegion]:
    regions: Mapping[str, CacheRegion] = current_app.extensions[_NAME].regions
    return regions


@_commands.command("regions")
def _show() -> None:
    """List the regions, their backends and the lifetimes of their values."""
    for name, region in _regions().items():
        lifetime = region.expiration_time
        told = "never" if lifetime in (None, -1) else f"after {lifetime} s"
        backend = type(region.actual_backend).__qualname__
        click.echo(f"{name}: {backend}, expires {told}")


@_commands.command("clear")
@click.argument("region")
def _clear(region: str) -> None:
    """Have all values of a region be made anew."""
    regions = _regions()
    if region not in regions:
        raise click.UsageError(
            f"There is no region {region!r}; there are {', '.join(regions)}."
        )
    if not is_shared(regions[region]):
        raise click.ClickException(
            f"The region {region!r} is in the memory of each process, which another one "
            "cannot reach; restart the processes."
        )
    regions[region].invalidate()
    click.echo(f"Cleared {region}: its values will be made anew.")
