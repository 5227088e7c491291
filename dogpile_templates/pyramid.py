"""Pyramid: the regions of an application, and the fragments of its renderers in them.

::

    config.include("pyramid_mako")
    config.include("dogpile_templates.pyramid")

with settings such as these::

    dogpile_cache.regions = short, long
    dogpile_cache.short.backend = dogpile.cache.memory
    dogpile_cache.short.expiration_time = 60
    dogpile_cache.long.backend = dogpile.cache.redis
    dogpile_cache.long.arguments.url = redis://localhost/0

The environments of pyramid_jinja2 get the tags ``cache`` and ``cacheeach``; in the
templates of pyramid_mako ``cached="True" cache_region="short"`` works.  Five settings
are about all regions:

- ``dogpile_cache.default_region``: the name of the region for what names none;
- ``dogpile_cache.enabled``: false, nothing is cached;
- ``dogpile_cache.key_prefix``: what the keys on a server begin with, which tells this
  application from others there; by default the name of its package;
- ``dogpile_cache.bypass``: the dotted name of a function; see ``set_cache_bypass``;
- ``dogpile_cache.instance``: the dotted name of the :class:`~dogpile_cache.config.Regions`
  whose regions the program decorates functions with when it is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from pyramid.config import Configurator
from pyramid.events import ApplicationCreated
from pyramid.interfaces import IRendererFactory
from pyramid.path import caller_package
from pyramid.request import Request
from pyramid.threadlocal import get_current_request

from dogpile_cache.config import Regions, read_options
from dogpile_cache.exception import ValidationError

from .access import invalidate_fragment
from .applications import configure, switch
from .fragments import FragmentError, find_region

__all__ = ["includeme"]

_AFTER_RENDERERS = 100  # the order in which actions are done; theirs are 0 and 1
_PREFIX = "dogpile_cache."
_BYPASSED = "_dogpile_bypassed"
_OF_ALL = ("default_region", "enabled", "bypass", "instance", "key_prefix")


def includeme(config: Configurator) -> None:
    """Add the directives, ``request.cache_regions``, and the regions of the settings.

    The regions are configured when the configuration is committed.
    """
    state = _State(config)
    registry: Any = config.registry
    registry["dogpile_templates"] = state
    config.add_directive("add_cache_region", add_cache_region)
    config.add_directive("set_cache_bypass", set_cache_bypass)
    config.add_request_method(
        lambda request: state.regions, "cache_regions", reify=True
    )
    config.add_request_method(_invalidate_fragment, "invalidate_fragment")
    config.add_request_method(state.is_bypassed, "cache_is_bypassed", property=True)
    config.action(None, state.finish, order=_AFTER_RENDERERS)
    config.add_subscriber(lambda event: state.serve(), ApplicationCreated)


def add_cache_region(
    config: Configurator,
    name: str,
    backend: str,
    *,
    expiration_time: Any = None,
    arguments: Mapping[str, Any] | None = None,
    serializer: Any = None,
) -> None:
    """Add a region to those of the settings; a directive of the configurator.

    The parameters are those of :meth:`CacheRegion.configure`.  Without a ``serializer``
    a region whose values leave the process keeps text, for fragments.
    """
    options = {
        "backend": backend,
        "expiration_time": expiration_time,
        "arguments": dict(arguments or {}),
        **({} if serializer is None else {"serializer": serializer}),
    }
    state = _state_of(config)
    introspectable = config.introspectable("cache regions", name, name, "cache region")
    introspectable.update(options)

    def register() -> None:
        state.options[name] = options

    config.action(("cache region", name), register, introspectables=(introspectable,))


def set_cache_bypass(config: Configurator, bypass: Callable[[Request], Any]) -> None:
    """Have a function tell for which requests no fragment is read or written.

    A directive of the configurator.  The function is given the request, once for each,
    as for previews and editors.
    """
    state = _state_of(config)

    def register() -> None:
        state.bypass = _function(config, bypass)

    config.action("cache bypass", register)


def _function(config: Configurator, given: Any) -> Any:
    bypass = config.maybe_dotted(given)
    if bypass is None or callable(bypass):
        return bypass
    raise ValidationError(
        f"The bypass is {given!r}; it is a function, or the name of one."
    )


class _State:
    """Be what an application's configuration says of its cache."""

    def __init__(self, config: Configurator) -> None:
        self._registry: Any = config.registry
        settings = dict(config.get_settings() or {})
        about_all = {name: settings.pop(_PREFIX + name, None) for name in _OF_ALL}
        enabled = about_all["enabled"]
        self._enabled = enabled in (None, "") or switch(f"{_PREFIX}enabled", enabled)
        self._application = about_all["key_prefix"] or config.root_package.__name__
        self._default: str | None = about_all["default_region"] or None
        self.bypass: Any = _function(config, about_all["bypass"] or None)
        regions: Any = config.maybe_dotted(about_all["instance"]) or Regions()
        if not isinstance(regions, Regions):
            raise ValidationError(
                f"The setting '{_PREFIX}instance' names {regions!r}; it names a Regions of "
                "dogpile_cache.config."
            )
        self.regions = regions
        regions.setting = f"{_PREFIX}regions"
        self.engines: dict[str, Any] = {}  # by the extension of their files
        self.options: dict[str, Mapping[str, Any]] = {}
        if any(name.startswith(_PREFIX) for name in settings):
            self.options.update(read_options(settings, _PREFIX))

    def finish(self) -> None:
        """Configure the regions, and hand them to the renderers."""
        configure(
            self.regions,
            self.options,
            _PREFIX,
            application=self._application,
            enabled=self._enabled,
        )
        if self._default is not None:
            find_region(self.regions, self._default, f"{_PREFIX}regions")
        self.serve()

    def serve(self) -> None:
        """Hand the regions to the renderers there are, each once."""
        for extension, factory in self._registry.getUtilitiesFor(IRendererFactory):
            lookup = getattr(factory, "lookup", None)
            if hasattr(lookup, "template_args"):  # Mako's
                if lookup not in self.engines.values():
                    self._serve_mako(lookup)
                self.engines[extension] = lookup
        try:
            from pyramid_jinja2 import IJinja2Environment
        except ImportError:
            return
        for extension, environment in self._registry.getUtilitiesFor(
            IJinja2Environment
        ):
            if environment not in self.engines.values():
                self._serve_jinja2(environment)
            self.engines[extension] = environment

    def _serve_jinja2(self, environment: Any) -> None:
        environment.add_extension("dogpile_templates.jinja2.CacheExtension")
        environment.cache_regions = self.regions
        environment.cache_default_region = self._default
        environment.cache_bypass = _asks_the_request
        environment.cache_name = _without_parents

    def _serve_mako(self, lookup: Any) -> None:
        from .mako import OWN_NAME, Lexer, register

        register(OWN_NAME)
        if lookup.template_args.get("lexer_cls") is None:
            lookup.template_args["lexer_cls"] = Lexer
        lookup.template_args["cache_impl"] = OWN_NAME
        lookup.template_args["cache_args"] = {
            "regions": self.regions,
            "region": self._default,
            "bypass": _asks_the_request,
        }

    def is_bypassed(self, request: Request) -> bool:
        """Tell whether a request is to neither read nor write fragments.

        :raises Exception: what the function raises; an AttributeError would be taken for
            one of the request.
        """
        if self.bypass is None:
            return False
        answers: dict[str, Any] = request.__dict__
        if _BYPASSED not in answers:
            try:
                answers[_BYPASSED] = bool(self.bypass(request))
            except AttributeError as error:
                raise RuntimeError(f"The bypass failed: {error}") from error
        return answers[_BYPASSED]  # type: ignore[no-any-return]


def _state_of(it: Any) -> _State:
    """Return what a configurator's, or a request's, application says of its cache."""
    state: _State = it.registry["dogpile_templates"]
    return state


def _asks_the_request(context: Mapping[str, Any] | None) -> bool:
    """Tell whether the request that is being answered is bypassed.

    Macros that are imported, and Mako's cache from Python, have no request in a context.
    """
    request: Any = (context or {}).get("request") or get_current_request()
    registry: Any = getattr(request, "registry", None)
    if registry is None or "dogpile_templates" not in registry:
        return False  # a view may call something else its request
    bypassed: bool = request.cache_is_bypassed
    return bypassed


def _without_parents(name: str) -> str:
    """Return a template's name without those of the templates that refer to it.

    pyramid_jinja2 adds them, since it looks for a template beside its parent, too.
    """
    return name.partition("@@")[0]


def _invalidate_fragment(
    request: Request,
    renderer: str,
    *parts: Any,
    name: str | None = None,
    package: Any = None,
) -> None:
    """Remove the fragments of a renderer's template, for some key parts.

    It is ``request.invalidate_fragment``.

    :param renderer: what the view's ``renderer`` is, such as ``templates/page.mako``.
    :param parts: see :func:`dogpile_templates.fragment_keys`, and ``name``, too.
    :param package: what a relative name is relative to; by default the package of the
        caller, as it is for views.
    :raises FragmentError: no engine has that template, or it has no such fragment.
    """
    state = _state_of(request)
    engine = state.engines.get(os.path.splitext(renderer)[1])
    names = [renderer]
    if ":" not in renderer:
        package = package or caller_package()
        names.insert(0, f"{package.__name__}:{renderer}")
    for template in names:
        if engine is not None and _has(engine, template):
            return invalidate_fragment(engine, template, *parts, name=name)
    raise FragmentError(
        f"No renderer has the template {renderer!r}; name it as the view's renderer is "
        f"named, ending in {', '.join(sorted(state.engines))}."
    )


def _has(engine: Any, template: str) -> bool:
    try:
        engine.get_template(template)
    except Exception:  # noqa: BLE001  # each engine has errors of its own
        return False
    return True
