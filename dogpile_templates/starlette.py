"""Starlette and FastAPI: the regions of an application, and its templates' fragments.

::

    cache = DogpileCache(
        {
            "short": {"backend": "dogpile.cache.memory", "expiration_time": 60},
            "long": {
                "backend": "dogpile.cache.redis",
                "expiration_time": 3600,
                "arguments": {"url": "redis://localhost/0"},
                "serializer": "json",
            },
        },
        key_prefix="shop",
    )
    templates = Templates("templates", cache=cache)

    @cache.region("long").cache_on_arguments()
    async def bestsellers(year): ...

    async def page(request):
        return await templates.TemplateResponse(request, "page.html", {"year": 2026})

    app = Starlette(routes=[Route("/", page)], lifespan=cache.lifespan)

The regions are for tasks.  The lifespan opens them and closes them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from os import PathLike
from typing import Any

import jinja2
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dogpile_cache.aio import AsyncCacheRegion
from dogpile_cache.config import Regions
from dogpile_cache.keys import typed_key_generator, typed_multi_key_generator
from dogpile_cache.tasks.flights import settled

from .access import async_invalidate_fragment
from .applications import Options, configure
from .fragments import find_region

__all__ = ["DogpileCache", "Templates"]

Bypass = Callable[[Request], Awaitable[Any] | Any]
Directory = str | PathLike[str] | Sequence[str | PathLike[str]]

_EXTENSION = "dogpile_templates.jinja2.CacheExtension"
_bypassed: ContextVar[bool] = ContextVar("bypassed", default=False)


class DogpileCache:
    """Be the regions of an application.

    :param regions: a mapping of names to the options of regions, which are ``backend``,
        ``expiration_time``, ``arguments`` and ``serializer``.
    :param default_region: the name of the region for tags that name none.
    :param key_prefix: what the keys on a server begin with, which tells this application
        from others there.
    :param enabled: false, nothing is cached.
    :param bypass: a function, or a coroutine function, that is given a request, once for
        each, and tells whether its fragments are neither read nor written.
    :raises ValidationError: an option is unknown, missing or wrong.
    :raises PluginNotFound: a backend is unknown.
    """

    def __init__(
        self,
        regions: Options,
        *,
        default_region: str | None = None,
        key_prefix: str = "app",
        enabled: bool = True,
        bypass: Bypass | None = None,
    ) -> None:
        made: Any = Regions(_make)  # type: ignore[arg-type]  # regions for tasks
        made.setting = "DogpileCache"
        configure(made, regions, "", application=key_prefix, enabled=enabled)
        if default_region is not None:
            find_region(made, default_region, "DogpileCache")
        self.regions: Mapping[str, AsyncCacheRegion] = made
        self.default_region = default_region
        self.bypass = bypass

    def region(self, name: str) -> AsyncCacheRegion:
        """Return the region of a name.

        :raises UnknownRegion: there is none.
        """
        found: Any = find_region(self.regions, name, "DogpileCache")  # type: ignore[arg-type]
        return found  # type: ignore[no-any-return]

    @asynccontextmanager
    async def lifespan(self, app: Any) -> AsyncIterator[None]:
        """Be the lifespan of an application, or a part of one: close the regions."""
        try:
            yield
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Wait for the work in the background, and close all connections."""
        for region in self.regions.values():
            await region.aclose()

    async def is_bypassed(self, request: Request) -> bool:
        """Tell whether the fragments of a request are neither read nor written."""
        if self.bypass is None:
            return False
        state: dict[str, Any] = request.scope.setdefault("dogpile_cache", {})
        if "bypassed" not in state:
            state["bypassed"] = bool(await settled(self.bypass(request)))
        return bool(state["bypassed"])


class Templates:
    """Render templates with fragments, as Starlette's ``Jinja2Templates``, awaited.

    :param directory: where the templates are: a path or several.
    :param cache: the regions of the application.
    :param context_processors: functions of the request that give more of the context.
    :param env: an environment with ``enable_async=True``, in place of the directory.
    """

    def __init__(
        self,
        directory: Directory | None = None,
        *,
        cache: DogpileCache,
        context_processors: Sequence[Callable[[Request], dict[str, Any]]] = (),
        env: jinja2.Environment | None = None,
    ) -> None:
        if (directory is None) == (env is None):
            raise TypeError(
                "Templates takes a directory or an env, and one of the two."
            )
        if env is None:
            assert directory is not None
            env = jinja2.Environment(
                loader=jinja2.FileSystemLoader(directory),
                autoescape=jinja2.select_autoescape(),
                enable_async=True,
            )
        if not env.is_async:
            raise TypeError("The env of Templates is one with enable_async=True.")
        environment: Any = env
        environment.add_extension(_EXTENSION)
        environment.cache_regions = cache.regions
        environment.cache_default_region = cache.default_region
        environment.cache_bypass = lambda context: _bypassed.get()
        environment.globals.setdefault("url_for", _url_for)
        self.env = env
        self.cache = cache
        self.context_processors = list(context_processors)

    async def TemplateResponse(  # noqa: N802  # as Starlette has it
        self,
        request: Request,
        name: str,
        context: Mapping[str, Any] | None = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: BackgroundTask | None = None,
    ) -> HTMLResponse:
        """Return a response with a rendered template."""
        text = await self.render(request, name, context)
        return HTMLResponse(text, status_code, headers, media_type, background)

    async def render(
        self, request: Request, name: str, context: Mapping[str, Any] | None = None
    ) -> str:
        """Return a rendered template."""
        shown: dict[str, Any] = {"request": request}
        for processor in self.context_processors:
            shown.update(processor(request))
        shown.update(context or {})
        token = _bypassed.set(await self.cache.is_bypassed(request))
        try:
            return await self.env.get_template(name).render_async(shown)
        finally:
            _bypassed.reset(token)

    async def invalidate_fragment(
        self, name: str, *parts: Any, tag: str | None = None
    ) -> None:
        """Remove the fragments of a template, for some key parts.

        :param tag: the ``name=`` of the tag; by default all tags are meant.
        """
        await async_invalidate_fragment(self.env, name, *parts, name=tag)


@jinja2.pass_context
def _url_for(context: jinja2.runtime.Context, name: str, /, **path: Any) -> Any:
    request: Request = context["request"]
    return request.url_for(name, **path)


def _make(name: str) -> AsyncCacheRegion:
    return AsyncCacheRegion(
        name,
        function_key_generator=typed_key_generator,
        function_multi_key_generator=typed_multi_key_generator,
    )
