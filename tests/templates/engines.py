"""The two engines behind one face, for promises that both of them make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from jinja2 import DictLoader, Environment
from mako.lookup import TemplateLookup
from mako.template import Template

import dogpile_templates.mako
from dogpile_cache import CacheRegion

Render = Callable[..., str]
Regions = Mapping[str, CacheRegion]

dogpile_templates.mako.register()  # the name is dogpile.cache's too, where installed


class Engine(Protocol):
    """Make pages that are one fragment: a text, followed by what ``make()`` returns.

    The fragment's key is the variable ``key``; a page without a name is from a string.
    """

    def page(
        self,
        text: str,
        name: str | None = None,
        region: str = "short",
        timeout: int = 5,
    ) -> Render: ...


class Jinja2Engine:
    def __init__(self, regions: Regions) -> None:
        self._sources: dict[str, str] = {}
        self._env = jinja2_environment(regions, loader=DictLoader(self._sources))

    def page(
        self,
        text: str,
        name: str | None = None,
        region: str = "short",
        timeout: int = 5,
    ) -> Render:
        arguments = f'"{region}", key, expiration_time={timeout}'
        source = f"{{% cache {arguments} %}}{text}{{{{ make() }}}}{{% endcache %}}"
        if name is None:
            return self._env.from_string(source).render
        self._sources[name] = source
        return self._env.get_template(name).render


class MakoEngine:
    def __init__(self, regions: Regions) -> None:
        self._regions = regions
        self._lookup = TemplateLookup(**self._options)

    @property
    def _options(self) -> dict[str, Any]:
        return mako_options(self._regions)

    def page(
        self,
        text: str,
        name: str | None = None,
        region: str = "short",
        timeout: int = 5,
    ) -> Render:
        arguments = f'cache_region="{region}" cache_timeout="{timeout}"'
        source = (
            f'<%def name="x()" cached="True" cache_key="${{key}}" {arguments}>'
            f"{text}${{make()}}</%def>${{x()}}"
        )
        if name is None:
            template = Template(source, **self._options)
        else:
            self._lookup.put_string(name, source)
            template = self._lookup.get_template(name)
        return lambda **context: str(template.render(**context))


def jinja2_environment(regions: Regions, **options: Any) -> Environment:
    """Return an environment with the tag, and autoescape unless told otherwise."""
    options.setdefault("autoescape", True)
    env = Environment(extensions=["dogpile_templates.jinja2.CacheExtension"], **options)
    env.cache_regions = regions  # type: ignore[attr-defined]  # the extension's
    return env


def mako_options(regions: Regions) -> dict[str, Any]:
    """Return what Mako templates and lookups are made with."""
    return {"cache_impl": "dogpile.cache", "cache_args": {"regions": regions}}


ENGINES: dict[str, Callable[[Regions], Engine]] = {
    "jinja2": Jinja2Engine,
    "mako": MakoEngine,
}
