"""An application of Flask, through WebTest, on memory and on Redis."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from flask import Flask, render_template_string, request
from webtest import TestApp

from dogpile_cache import NO_VALUE
from dogpile_cache.exception import RegionNotConfigured, ValidationError
from dogpile_templates import FragmentError, UnknownRegion, invalidate_fragment
from dogpile_templates.flask import DogpileCache

PAGE = (
    '{% cache "short", request.args.get("k") %}{{ n() }}{% endcache %}'
    '{% cacheeach long, x in "ab", key=x %}{{ x }}{% endcacheeach %}'
)
MEMORY = {"backend": "dogpile.cache.memory", "expiration_time": 60}
Options = dict[str, Any]


def make_app(cache: DogpileCache, regions: Any = None, **config: Any) -> Flask:
    """Make an application whose page numbers its renderings."""
    app = Flask(f"app{next(NUMBERS)}")
    app.config["DOGPILE_REGIONS"] = (
        {"short": MEMORY, "long": MEMORY} if regions is None else regions
    )
    app.config.update(config)
    numbers = count(1)
    app.jinja_env.globals["n"] = lambda: next(numbers)
    cache.init_app(app)

    @app.get("/")
    def page() -> str:
        return render_template_string(PAGE)

    return app


NUMBERS = count(1)


def view(app: Flask, query: str = "", **headers: str) -> str:
    text: str = TestApp(app).get(f"/?{query}", headers=headers).text
    return text


@pytest.fixture
def cache() -> DogpileCache:
    return DogpileCache()


@pytest.fixture(params=["memory", "memory_pickle", "redis"])
def regions(request: pytest.FixtureRequest) -> dict[str, Options]:
    """Return the options of two regions, on each of several backends."""
    options = {"backend": f"dogpile.cache.{request.param}", "expiration_time": 60}
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        options["arguments"] = {"port": server.port}
    return {"short": options, "long": {k.upper(): v for k, v in options.items()}}


def test_a_page_is_served_from_its_fragments(
    cache: DogpileCache, regions: dict[str, Options]
) -> None:
    app = make_app(cache, regions)
    key = f"k={next(NUMBERS)}"
    first = view(app, key)
    assert first.endswith("ab")
    assert view(app, key) == first
    assert view(app, key + "x") != first


def test_what_is_stored_is_text(cache: DogpileCache, redis_server: Any) -> None:
    options = {
        "backend": "dogpile.cache.redis",
        "arguments": {"port": redis_server.port},
    }
    app = make_app(cache, {"short": options, "long": MEMORY})
    with app.app_context():
        with pytest.raises(ValidationError, match="set serializer='pickle'"):
            cache.region("short").set("key", {"a": 1})
        cache.region("long").set("key", {"a": 1})
        cache.region("short").set("key", "text")
        region = cache.regions["short"]
        assert region.key_mangler is not None
        mangled = region.key_mangler("key")
        assert mangled == f"{app.import_name}:key"
        assert region.backend.get_serialized(mangled).endswith(b"}|text")  # type: ignore[union-attr]
        cache.region("short").delete("key")


def test_functions_are_decorated_before_there_is_an_application(
    cache: DogpileCache,
) -> None:
    calls: list[object] = []

    @cache.region("short").cache_on_arguments()
    def load(key: object) -> object:
        calls.append(key)
        return key

    @cache.region("short").cache_multi_on_arguments()
    def load_many(*keys: object) -> list[object]:
        calls.extend(keys)
        return list(keys)

    with pytest.raises(RegionNotConfigured, match="There are 0 applications"):
        load(1)
    app = make_app(cache)
    assert [load(1), load("1"), load(1)] == [1, "1", 1]
    assert [load_many(2, 3), load_many(3, 2)] == [[2, 3], [3, 2]]
    assert calls == [1, "1", 2, 3]
    load.invalidate(1)
    assert load.get(1) is NO_VALUE
    assert [*cache._apps] == [app]  # which lives as long as this test
    assert load.refresh(1) == 1
    assert load_many.refresh(2) == [2]
    assert calls[4:] == [1, 2]


def test_each_application_has_regions_of_its_own(cache: DogpileCache) -> None:
    region = cache.region("short")
    one, other = make_app(cache), make_app(cache)
    with one.app_context():
        region.set("key", "of one")
        assert region.get("key") == "of one"
        assert region.expiration_time == 60
    with other.app_context():
        assert region.get("key") is NO_VALUE
    with pytest.raises(RegionNotConfigured, match=r"2 applications.*app_context"):
        region.get("key")
    assert (view(one), view(other), view(one)) == ("1ab", "1ab", "1ab")
    stranger = Flask("stranger")
    with stranger.app_context(), pytest.raises(RegionNotConfigured, match="'stranger'"):
        region.get("key")


def test_a_view_may_invalidate_a_fragment(cache: DogpileCache) -> None:
    app = make_app(cache)

    @app.get("/file")
    def file() -> str:
        from flask import render_template

        return render_template("page.html", n=app.jinja_env.globals["n"])

    @app.post("/renew")
    def renew() -> str:
        invalidate_fragment(app.jinja_env, "page.html", "k", name="it")
        return ""

    from jinja2 import DictLoader

    source = '{% cache "short", "k", name="it" %}{{ n() }}{% endcache %}'
    app.jinja_loader = DictLoader({"page.html": source})  # type: ignore[misc]
    client = TestApp(app)
    views = [client.get("/file").text, client.get("/file").text]
    client.post("/renew")
    assert [*views, client.get("/file").text] == ["1", "1", "2"]


def test_a_bypassed_request_neither_reads_nor_writes(cache: DogpileCache) -> None:
    asked: list[str] = []

    @cache.bypass
    def is_preview(request: Any) -> bool:
        asked.append(request.path)
        return "X-Preview" in request.headers

    app = make_app(cache)
    preview = {"X-Preview": "1"}
    assert [view(app, **preview), view(app), view(app, **preview), view(app)] == [
        "1ab", "2ab", "3ab", "2ab",
    ]  # fmt: skip
    assert len(asked) == 4  # once for each request, of two tags
    with app.app_context():
        assert render_template_string("{% cache 'short', 1 %}{{ n() }}{% endcache %}")


def test_a_switch_turns_all_caching_off(cache: DogpileCache) -> None:
    calls: list[int] = []

    @cache.region("short").cache_on_arguments()
    def load(number: int) -> int:
        calls.append(number)
        return number

    redis = {"backend": "dogpile.cache.redis", "arguments": {"port": 1}}
    app = make_app(cache, {"short": redis, "long": redis}, DOGPILE_ENABLED=False)
    assert [view(app), view(app)] == ["1ab", "2ab"]
    assert [load(1), load(1)] == [1, 1]
    assert calls == [1, 1]


def test_a_default_region(cache: DogpileCache) -> None:
    app = make_app(cache, DOGPILE_DEFAULT_REGION="short")
    with app.app_context():
        page = "{% cache key=1 %}{{ n() }}{% endcache %}"
        assert [render_template_string(page) for _ in range(2)] == ["1", "1"]
    with pytest.raises(UnknownRegion, match="DOGPILE_REGIONS has 'long', 'short'"):
        make_app(cache, DOGPILE_DEFAULT_REGION="shrt")


def test_the_constructor_takes_an_application_and_a_bypass() -> None:
    app = Flask("app")
    app.config["DOGPILE_REGIONS"] = {"short": MEMORY}
    cache = DogpileCache(app, bypass=lambda request: request.args.get("preview"))
    assert cache.regions["short"].is_configured
    with app.test_request_context("/?preview=1"):
        assert request.args
        page = '{% cache "short" %}{{ x }}{% endcache %}'
        assert [render_template_string(page, x=x) for x in "ab"] == ["a", "b"]


def test_an_extension_that_has_the_tag_already_is_an_error_at_the_start(
    cache: DogpileCache,
) -> None:
    from flask_caching import Cache

    app = Flask("app")
    app.config["DOGPILE_REGIONS"] = {"short": MEMORY}
    Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    with pytest.raises(FragmentError, match="has the tag 'cache' already"):
        cache.init_app(app)


def test_an_application_is_given_once(cache: DogpileCache) -> None:
    app = make_app(cache)
    for again in (cache, DogpileCache()):
        with pytest.raises(ValidationError, match="was given to a DogpileCache before"):
            again.init_app(app)


def test_an_extension_that_comes_later_does_not_take_the_tag_over(
    cache: DogpileCache,
) -> None:
    from flask_caching import Cache

    app = make_app(cache)
    Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    assert [view(app), view(app)] == ["1ab", "1ab"]


def test_a_bypass_is_asked_anew_for_each_request_in_one_context(
    cache: DogpileCache,
) -> None:
    """As in tests that hold an application context around their requests."""
    app = make_app(cache)
    cache.bypass(lambda request: "editor" in request.args)
    with app.app_context():
        views = [view(app, query) for query in ("", "editor=1", "", "editor=1", "")]
    assert views == ["1ab", "2ab", "1ab", "3ab", "1ab"]
