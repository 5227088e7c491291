"""Applications of Pyramid, through WebTest: Mako and Jinja2, memory and Redis."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pyramid.config import Configurator
from webtest import TestApp

from dogpile_cache import NO_VALUE
from dogpile_cache.config import Regions
from dogpile_cache.exception import ValidationError
from dogpile_templates import FragmentError, UnknownRegion, fragment_keys

TEMPLATES = {
    "page.mako": '<%def name="part()" cached="True" cache_region="short" '
    "cache_key=\"${request.params['k']}\">${n()}</%def>${part()}"
    '<%block name="all" cached="True">all</%block>',
    "page.jinja2": '{% cache "short", request.params["k"] %}{{ n() }}{% endcache %}'
    "{% cache key=1 %}all{% endcache %}",
}
NUMBERS = count(1)
instance = Regions()
previews: list[str] = []


def is_preview(request: Any) -> bool:
    previews.append(request.path)
    return "X-Preview" in request.headers


@pytest.fixture(params=["memory", "redis"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return ini settings with two regions, and with templates of both engines."""
    for name, source in TEMPLATES.items():
        (tmp_path / name).write_text(source)
    found = {
        "mako.directories": str(tmp_path),
        "jinja2.directories": str(tmp_path),
        "dogpile_cache.regions": "short, long",
        "dogpile_cache.default_region": "long",
    }
    for name in ("short", "long"):
        found[f"dogpile_cache.{name}.backend"] = f"dogpile.cache.{request.param}"
        found[f"dogpile_cache.{name}.expiration_time"] = "60"
        if request.param == "redis":
            server = request.getfixturevalue("redis_server")
            found[f"dogpile_cache.{name}.arguments.port"] = str(server.port)
    return found


Prepare = Callable[[Configurator], None]


def make_app(
    settings: dict[str, Any], prepare: Prepare = lambda config: None
) -> TestApp:
    """Make an application with a view for each template."""
    numbers = count(1)
    with Configurator(settings=settings) as config:
        config.include("dogpile_templates.pyramid")  # before or after the renderers
        config.include("pyramid_mako")
        config.include("pyramid_jinja2")
        for name in TEMPLATES:
            config.add_route(name, f"/{name}")
            config.add_view(
                lambda request: {"n": lambda: next(numbers)},
                route_name=name,
                renderer=name,
            )
        prepare(config)
        return TestApp(config.make_wsgi_app())


@pytest.fixture(params=list(TEMPLATES))
def page(request: pytest.FixtureRequest) -> str:
    """Return a page that nobody has looked at."""
    return f"/{request.param}?k={next(NUMBERS)}"


def test_a_renderer_serves_fragments(settings: dict[str, Any], page: str) -> None:
    app = make_app(settings)
    views = [app.get(page).text for _ in range(2)]
    assert views == ["1all", "1all"]
    assert app.get(page + "x").text == "2all"


def test_a_view_has_the_regions(settings: dict[str, Any]) -> None:
    def prepare(config: Configurator) -> None:
        def view(request: Any) -> str:
            request.cache_regions["short"].set("key", "of the view")
            return str(request.cache_regions["short"].get("key"))

        config.add_route("view", "/view")
        config.add_view(view, route_name="view", renderer="string")

    assert make_app(settings, prepare).get("/view").text == "of the view"


def test_a_bypassed_request_neither_reads_nor_writes(
    settings: dict[str, Any], page: str
) -> None:
    app = make_app(settings, lambda config: config.set_cache_bypass(is_preview))
    previews.clear()
    headers: list[dict[str, str]] = [{"X-Preview": "1"}, {}] * 2
    views = [app.get(page, headers=each).text for each in headers]
    assert views == ["1all", "2all", "3all", "2all"]
    assert len(previews) == 4  # once for each request, of two fragments


def test_settings_may_name_a_bypass(settings: dict[str, Any], page: str) -> None:
    settings["dogpile_cache.bypass"] = f"{__name__}.is_preview"
    app = make_app(settings)
    views = [app.get(page, headers={"X-Preview": "1"}).text for _ in range(2)]
    assert views == ["1all", "2all"]


@pytest.mark.parametrize("off", ["false", False])
def test_a_switch_turns_all_caching_off(
    settings: dict[str, Any], page: str, off: Any
) -> None:
    app = make_app(settings | {"dogpile_cache.enabled": off})
    assert [app.get(page).text for _ in range(2)] == ["1all", "2all"]


def test_a_directive_adds_a_region(settings: dict[str, Any]) -> None:
    def prepare(config: Configurator) -> None:
        config.add_cache_region(
            "added", "dogpile.cache.memory", expiration_time=5, serializer="json"
        )
        config.add_route("added", "/added")
        config.add_view(
            lambda request: [
                request.cache_regions["added"].expiration_time,
                sorted(request.cache_regions),
            ],
            route_name="added",
            renderer="json",
        )

    app = make_app(settings, prepare)
    assert app.get("/added").json == [5, ["added", "long", "short"]]


def test_a_directive_alone_does(tmp_path: Path) -> None:
    config = Configurator()
    config.include("dogpile_templates.pyramid")
    config.add_cache_region("only", "dogpile.cache.memory")
    config.commit()
    regions = config.registry["dogpile_templates"].regions
    assert list(regions) == ["only"]


def test_functions_are_decorated_before_there_are_settings(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.instance", Regions())
    region = instance["short"]
    settings["dogpile_cache.instance"] = f"{__name__}.instance"
    make_app(settings)
    assert region.get(f"nothing {next(NUMBERS)}") is NO_VALUE


def test_what_redis_keeps_of_a_page_is_text(
    settings: dict[str, Any], page: str
) -> None:
    if settings["dogpile_cache.short.backend"] == "dogpile.cache.memory":
        settings["dogpile_cache.short.backend"] = "dogpile.cache.memory_pickle"
    kept: list[Any] = []

    def prepare(config: Configurator) -> None:
        def look(request: Any) -> str:
            engine = request.registry["engine"]
            name = page[1:].partition("?")[0]
            for key in fragment_keys(engine, name, page.partition("=")[2]):
                region = request.cache_regions["short"]
                mangle = region.key_mangler or str
                kept.append(region.backend.get_serialized(mangle(key)))
            return ""

        config.add_route("look", "/look")
        config.add_view(look, route_name="look", renderer="string")

    app = make_app(settings, prepare)
    registry = app.app.registry
    if page.startswith("/page.mako"):
        from pyramid.interfaces import IRendererFactory

        factory = registry.getUtility(IRendererFactory, name=".mako")
        registry["engine"] = factory.lookup
    else:
        from pyramid_jinja2 import IJinja2Environment

        registry["engine"] = registry.getUtility(IJinja2Environment, name=".jinja2")
    app.get(page)
    app.get("/look")
    assert [value[-3:] for value in kept if value is not NO_VALUE] == [b"}|1"]


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("shrt.backend", "x", "'dogpile_cache.shrt.backend' is of no region"),
        (
            "short.expiration_tiem",
            "1",
            "no option 'dogpile_cache.short.expiration_tiem'",
        ),
        ("short.expiration_time", "soon", "dogpile_cache.short.expiration_time is not"),
        ("instance", "os.path", "names a Regions"),
    ],
)
def test_a_mistake_in_the_settings_is_an_error_at_the_start(
    settings: dict[str, Any], setting: str, value: str, message: str
) -> None:
    settings[f"dogpile_cache.{setting}"] = value
    with pytest.raises(Exception, match=message) as caught:
        make_app(settings)
    assert ValidationError.__name__ in repr(caught.value) or isinstance(
        caught.value, ValidationError
    )


def test_a_default_region_that_is_none_is_an_error(settings: dict[str, Any]) -> None:
    settings["dogpile_cache.default_region"] = "shrt"
    with pytest.raises(
        Exception, match=r"'shrt'; dogpile_cache\.regions has"
    ) as caught:
        make_app(settings)
    assert UnknownRegion.__name__ in repr(caught.value)


def beside(*renderers: str) -> Prepare:
    """Return what adds views whose renderers stand in this package."""

    def prepare(config: Configurator) -> None:
        numbers = count(1)
        for renderer in renderers:
            config.add_route(renderer, f"/{renderer}")
            config.add_view(
                lambda request: {"n": lambda: next(numbers)},
                route_name=renderer,
                renderer=f"templates/{renderer}",
            )

        def renew(request: Any) -> str:
            name, key = request.params["name"], request.params["k"]
            request.invalidate_fragment(f"templates/{name}", key, name="it")
            return ""

        config.add_route("renew", "/renew")
        config.add_view(renew, route_name="renew", renderer="string")

    return prepare


def test_pages_share_the_fragments_of_what_they_extend_and_include(
    settings: dict[str, Any],
) -> None:
    app, key = make_app(settings, beside("one.jinja2", "two.jinja2")), next(NUMBERS)
    views = [app.get(f"/{page}.jinja2?k={key}").text for page in ("one", "two")]
    assert [view.strip() for view in views] == ["1one23", "1two43"]


@pytest.mark.parametrize("renderer", ["one.jinja2", "one.mako"])
def test_a_view_invalidates_a_fragment_by_the_name_of_its_renderer(
    settings: dict[str, Any], renderer: str
) -> None:
    app, key = make_app(settings, beside(renderer)), next(NUMBERS)
    url = f"/{renderer}?k={key}"
    first = app.get(url).text
    assert app.get(url).text == first
    app.get(f"/renew?name={renderer}&k={key}x")
    assert app.get(url).text == first
    app.get(f"/renew?name={renderer}&k={key}")
    assert app.get(url).text != first


def test_a_renderer_that_is_none_is_an_error_that_says_so(
    settings: dict[str, Any],
) -> None:
    app = make_app(settings, beside("one.mako"))
    with pytest.raises(
        FragmentError, match=r"No renderer has .*'templates/gone\.mako'"
    ):
        app.get("/renew?name=gone.mako&k=1")
