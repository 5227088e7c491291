"""Mako: ``cache_impl="dogpile.cache"``.

::

    TemplateLookup(
        directories=["templates"],
        cache_impl="dogpile.cache",
        cache_args={"regions": {"short": region}},
        lexer_cls=Lexer,
    )

    <%def name="sidebar()" cached="True" cache_region="short" cache_timeout="60"
          cache_key="${user.id}">

Mako asks with the key alone, so two defs of one template that were given one
``cache_key`` would share their text.  Here the def belongs to the fragment's identity:
Mako's generated code passes a lambda that stands in the def's own function, and its
qualified name tells which.  What Mako's ``Cache`` says about a key from Python (``get``,
``set``, ``invalidate``) is said about that key in every cached def of the template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mako.cache import CacheImpl, register_plugin
from mako.runtime import UNDEFINED

from dogpile_cache import NO_VALUE, CacheRegion
from dogpile_cache.exception import CreationDeadlock, ValidationError
from dogpile_cache.freshness import seconds

from .fragments import (
    check_around,
    find_region,
    fragment_key,
    identity,
    refuse,
    refuse_in_itself,
    rendering,
    within,
)
from .mako_callers import digest_of_caller
from .mako_lexer import Lexer
from .mako_places import Place, places_of, where_is
from .mako_sources import ancestry, digest_of_templates, lineage_of, version_of

__all__ = ["DogpileCacheImpl", "Lexer", "register"]

OWN_NAME = "dogpile.templates"
_SETTING = 'cache_args["regions"]'
_ELSEWHERE = Place("", shows_inherited=False, shows_caller=False)
_ARGUMENTS = ("regions", "region", "timeout", "bypass")
_NO_KEYWORDS: dict[str, Any] = {}


refuse(
    type(UNDEFINED),
    "it is a name that is not defined here.  Where it may be missing, say what stands for "
    "it, as in context.get('user', None)",
)


def register(*names: str) -> None:
    """Make ``cache_impl="dogpile.cache"`` mean this, whatever else is installed.

    An installed distribution needs this only where dogpile.cache is installed beside
    it; ``"dogpile.templates"`` is a second name that is ours alone.

    :param names: the names to register; by default both.
    """
    for name in names or ("dogpile.cache", OWN_NAME):
        register_plugin(name, __name__, DogpileCacheImpl.__name__)


class DogpileCacheImpl(CacheImpl):  # type: ignore[misc]  # Mako comes without types
    """Keep the fragments of one template in regions.

    The arguments, from ``cache_args`` or as ``cache_...`` of a tag:

    - ``regions``: a mapping of names to regions;
    - ``region``: a name, or a region;
    - ``timeout``: the lifetime in seconds, in place of the region's;
    - ``bypass``: a function that is given Mako's context and tells whether a rendering
      is to neither read nor write.
    """

    pass_context = True

    def __init__(self, cache: Any) -> None:
        super().__init__(cache)
        cache._def_regions = _Unfrozen()
        self._template = cache.template
        self._version = version_of(self._template)
        self._known: dict[str, tuple[str, str]] = {}
        self._globals = vars(self._template.module)
        self._places = places_of(self._template.module)
        self.places = list(self._places.values())
        self._fixed: dict[int, str] = {}
        given = self._template.cache_args
        if unknown := given.keys() - set(_ARGUMENTS):
            raise _no_such(unknown)
        self._given = [given.get(name) for name in _ARGUMENTS]
        _check(self._given[0], self._given[3])
        cache._ctx_get_or_create = self._from_template

    def get_or_create(
        self,
        key: Any,
        creation_function: Callable[[], Any],
        regions: Any = None,
        region: Any = None,
        timeout: Any = None,
        bypass: Callable[[Any], Any] | None = None,
        context: Any = None,
        **unknown: Any,
    ) -> Any:
        """Return a fragment; have it rendered by one caller if it is missing or stale.

        :raises UnknownRegion: there is no such region, or none was named.
        :raises UnstableKeyPart: the key has no stable representation.
        :raises FragmentInItself: the fragment is being rendered further out.
        """
        if unknown:
            raise _no_such(unknown)
        if bypass is not None and bypass(context):
            return creation_function()
        own = self._fixed.get(id(getattr(creation_function, "__code__", None)))
        if own is None:
            own = self._find(creation_function, context)
        place = find_region(regions, region, _SETTING)
        return self._serve(place, fragment_key(own, (key,)), creation_function, timeout)

    def _from_template(
        self,
        key: Any,
        creation_function: Any,
        context: Any,
        region: Any = None,
        timeout: Any = None,
        expiration_time: Any = None,
        **unknown: Any,
    ) -> Any:
        """Take the place of a method of Mako's ``Cache``, which takes longer.

        That one also keeps the arguments of a def's first call for all later ones.  This
        is the hot path.
        """
        unknown.pop("__M_defname", None)  # which is not unknown to Mako
        if unknown:
            raise _no_such(unknown)
        if not self._template.cache_enabled:
            return creation_function()
        regions, default, lifetime, bypass = self._given
        if bypass is not None and bypass(context):
            return creation_function()
        own = self._fixed.get(id(getattr(creation_function, "__code__", None)))
        if own is None:
            own = self._find(creation_function, context)
        place = find_region(regions, default if region is None else region, _SETTING)
        if timeout is None:
            timeout = lifetime if expiration_time is None else expiration_time
        return self._serve(place, fragment_key(own, (key,)), creation_function, timeout)

    def _serve(
        self, region: CacheRegion, key: str, render: Callable[[], Any], timeout: Any
    ) -> Any:
        if rendering.get():
            refuse_in_itself(self._template.uri, (key,))
        try:
            args = (key, render), _NO_KEYWORDS
            return region.get_or_create(key, within, timeout, None, args)
        except CreationDeadlock as error:
            check_around(error, (key,))
            return render()

    def _find(self, creation_function: Any, context: Any) -> str:
        """Return what tells the fragments of a def, as it is rendered now, from others."""
        place = self._place(creation_function)
        own = self._own(place)
        if place.shows_inherited:
            own += digest_of_templates(lineage_of(context["self"]))
        if place.shows_caller:
            own += digest_of_caller(context.caller_stack.nextcaller)
        simple = not (place.shows_inherited or place.shows_caller)
        if simple and self._version.is_fixed and place is not _ELSEWHERE:
            # the code lives as long as the template
            self._fixed[id(creation_function.__code__)] = own
        return own

    def get(self, key: Any, **kw: Any) -> Any:
        """Return what is kept under a key, or None."""
        region, timeout = self._region(**kw)
        found = region.get_multi(self._keys(key), timeout)
        return next((value for value in found if value is not NO_VALUE), None)

    def set(self, key: Any, value: Any, **kw: Any) -> None:
        """Keep a value under a key."""
        region, _ = self._region(**kw)
        region.set_multi(dict.fromkeys(self._keys(key), value))

    put = set  # noqa: A003  # the method, and not the builtin

    def invalidate(self, key: Any, **kw: Any) -> None:
        """Remove what is kept under a key; where no region is named, in all of them."""
        regions = kw.get("regions") or {}
        if kw.get("region") is None and regions:
            affected = [regions[name] for name in regions]
        else:
            affected = [self._region(**kw)[0]]
        for region in affected:
            region.delete_multi(self._keys(key))

    def _keys(self, key: Any) -> list[str]:
        places = [_ELSEWHERE, *self.places]
        return [self.key(place, key, self._template) for place in places]

    def key(self, place: Place, key: Any, page: Any) -> str:
        """Return the key of a fragment as it is shown by a page."""
        own = self._own(place)
        if place.shows_inherited:
            own += digest_of_templates(ancestry(page))
        if place.shows_caller:
            own += digest_of_caller(None)
        return fragment_key(own, (key,))

    def _own(self, place: Place) -> str:
        """Return what tells the fragments of a place from those of all others."""
        version = self._version.current()
        known = self._known.get(place.path)
        if known is None or known[0] != version:
            made = identity(None, version, ("mako", place.path))
            self._known[place.path] = known = version, made
        return known[1]

    def _place(self, creation_function: Any) -> Place:
        if getattr(creation_function, "__globals__", None) is not self._globals:
            return _ELSEWHERE
        return self._places.get(where_is(creation_function), _ELSEWHERE)

    @staticmethod
    def _region(
        regions: Any = None, region: Any = None, timeout: Any = None, **others: Any
    ) -> tuple[CacheRegion, float | None]:
        if unknown := others.keys() - {"bypass", "context"}:
            raise _no_such(unknown)
        lifetime = None if timeout is None else seconds(timeout)
        return find_region(regions, region, _SETTING), lifetime


def _check(regions: Any, bypass: Any) -> None:
    if regions is not None and not isinstance(regions, Mapping):
        raise ValidationError(
            f"{_SETTING} is {regions!r}; it is a mapping of names to regions."
        )
    if bypass is not None and not callable(bypass):
        raise ValidationError(
            f'cache_args["bypass"] is {bypass!r}; it is a function of Mako\'s context.'
        )


def _no_such(unknown: Iterable[str]) -> ValidationError:
    names = ", ".join(f"cache_{name}" for name in sorted(unknown))
    return ValidationError(
        f"A fragment has no {names}; allowed are cache_region, cache_timeout, "
        "cache_expiration_time and cache_key, and in cache_args 'regions', 'region', "
        "'timeout' and 'bypass'."
    )


class _Unfrozen(dict[str, Any]):
    """Have Mako take a def's arguments from every call, and not keep the first ones.

    The first call may be an ``invalidate_def``, which knows no region: all later
    renderings would be without one, too.
    """

    def __contains__(self, name: object) -> bool:
        return False
