"""Pages of applications whose Redis is gone, and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string
from mako.template import Template
from webtest import TestApp

import dogpile_templates.mako
from dogpile_cache import CacheRegion, make_region
from dogpile_templates.flask import DogpileCache
from tests.servers import Redis
from tests.unit.threads import eventually

dogpile_templates.mako.register()

PAGE = (
    '{% cache "short", "one" %}{{ count() }}{% endcache %} '
    '{% cacheeach "short", n in [1, 2], key=n %}{{ count() }}{% endcacheeach %}'
)


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


def flask_pages(server: Redis) -> tuple[Callable[[], str], Any]:
    app, count = Flask(__name__), Counter()
    app.config["DOGPILE_REGIONS"] = {
        "short": {
            "backend": "dogpile.cache.redis",
            "expiration_time": 60,
            "arguments": {"url": server.url, "distributed_lock": True},
            "recovery_time": 0.05,
        }
    }
    cache = DogpileCache(app)

    @app.get("/")
    def page() -> str:
        return render_template_string(PAGE, count=count)

    client = TestApp(app)
    return lambda: client.get("/", status=200).text, cache.region("short")


def mako_pages(server: Redis) -> tuple[Callable[[], str], Any]:
    region = make_region().configure(
        "dogpile.cache.redis",
        expiration_time=60,
        arguments={"url": server.url, "distributed_lock": True},
        recovery_time=0.05,
    )
    template = Template(
        '<%def name="x(n)" cached="True" cache_region="short" cache_key="${n}">'
        "${count()}</%def>${x(1)} ${x(2)}",
        cache_impl="dogpile.cache",
        cache_args={"regions": {"short": region}},
    )
    count = Counter()
    return lambda: str(template.render(count=count)), region


@pytest.mark.server
@pytest.mark.parametrize("pages", [flask_pages, mako_pages])
def test_a_page_is_served_while_redis_is_gone_and_cached_again_after(
    pages: Callable[[Redis], tuple[Callable[[], str], CacheRegion]],
) -> None:
    with Redis() as server:
        page, region = pages(server)
        cached = page()
        assert page() == cached
        server.kill()
        shown = [page() for _ in range(10)]
        assert len({*shown}) == 10  # each rendered anew
        with pytest.raises(Exception, match=r"refused|reset|closed"):
            region.delete("any")
        server.start()
        eventually(lambda: page() == page())
