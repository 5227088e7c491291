"""Rows of templates: pages of Jinja2 and Mako whose fragments are all cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.harness import (
    THAT,
    THIS,
    Contender,
    Figure,
    Reach,
    Row,
    Sampler,
    Stage,
    Statement,
)
from benchmarks.regions import AN_HOUR, make_region, redis_region
from benchmarks.remote import counted, redis_client
from tests.servers.process import free_port

NAMES = ("Amber", "Borrowed", "Distant", "Quiet", "Winter")
BOOKS = [
    {
        "id": number,
        "title": f"The {NAMES[number % 5]} Atlas & Letters",
        "author": f"A. {NAMES[number % 3]}",
        "shelf": f"{'ABCDEF'[number % 6]}{number % 9}",
        "loans": 578 - number,
        "price": 12.5 + number,
        "tags": ["history", "ships", "islands"],
    }
    for number in range(100)
]
LINKS = [(f"/{name.lower()}", name) for name in NAMES]
CONTEXT: dict[str, Any] = {
    "title": "Most borrowed in 2024",
    "year": 2024,
    "user": {"name": "T. Nakata", "loans": 3},
    "links": LINKS,
    "books": BOOKS,
}
SETUP = {**CONTEXT, "books": BOOKS[:50]}

JINJA2_HEAD = """<!DOCTYPE html>
<html lang="en"><head><title>{{ title }} - Quayside Library</title></head><body>
<header><h1>{{ title }}</h1><nav>
{% for url, name in links %}<a href="{{ url }}">{{ name }}</a>
{% endfor %}</nav><p>{{ user.name }}: {{ user.loans }} loans</p></header><main>
"""
JINJA2_TABLE = """<table><tr><th>Title</th><th>Author</th><th>Shelf</th><th>Loans</th></tr>
{% for book in books %}<tr><td>{{ book.title }}</td><td>{{ book.author }}</td>
<td>{{ book.shelf }}</td><td>{{ book.loans }}</td></tr>
{% endfor %}</table>
"""
JINJA2_FOOT = "</main><footer>{{ year }}</footer></body></html>"
JINJA2_CARD = """<li id="book-{{ book.id }}"><h3>{{ book.title }}</h3>
<p>by {{ book.author|upper }}, on shelf {{ book.shelf }}</p>
<p>{{ "%.2f"|format(book.price) }} EUR{% if book.loans > 500 %}, popular{% endif %}</p>
<ul>{% for tag in book.tags %}<li>{{ tag|title }} ({{ loop.index }})</li>{% endfor %}</ul>
</li>
"""
MAKO_HEAD = (
    JINJA2_HEAD.replace("{% for url, name in links %}", "\n% for url, name in links:\n")
    .replace("{% endfor %}", "\n% endfor\n")
    .replace("{{ ", "${")
    .replace(" }}", "}")
    .replace("user.name", 'user["name"]')
    .replace("user.loans", 'user["loans"]')
)
MAKO_TABLE = (
    JINJA2_TABLE.replace("{% for book in books %}", "\n% for book in books:\n")
    .replace("{% endfor %}", "\n% endfor\n")
    .replace("{{ book.", '${book["')
    .replace(" }}", '"]}')
)
MAKO_FOOT = JINJA2_FOOT.replace("{{ year }}", "${year}")


def rendering(render: Callable[..., str], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names of a statement that renders, once it is known to be a hit."""
    render(context)
    return {"render": render, "context": context}


# Jinja2, in memory


def jinja2_environment(region: Any = None) -> Any:
    from jinja2 import Environment

    extension = "dogpile_templates.jinja2.CacheExtension"
    env = Environment(autoescape=True, extensions=[extension] if region else [])
    if region is not None:
        env.cache_regions = {"short": region}  # type: ignore[attr-defined]
    return env


def jinja2_page(stage: Stage) -> Sampler:
    table = f'{{% cache "short", "table", year %}}{JINJA2_TABLE}{{% endcache %}}'
    env = jinja2_environment(make_region(THIS, "memory"))
    page = env.from_string(JINJA2_HEAD + table + JINJA2_FOOT)
    return stage.statement("render(context)", **rendering(page.render, SETUP))


def jinja2_by_flask_caching(stage: Stage) -> Sampler:
    app = flask_caching_app(CACHE_TYPE="SimpleCache")
    table = (
        f'{{% cache {AN_HOUR}, "table", year|string %}}{JINJA2_TABLE}{{% endcache %}}'
    )
    stage.closing.enter_context(app.app_context())
    page = app.jinja_env.from_string(JINJA2_HEAD + table + JINJA2_FOOT)
    return stage.statement("render(context)", **rendering(page.render, SETUP))


def flask_caching_app(**config: Any) -> Any:
    from flask import Flask
    from flask_caching import Cache

    app = Flask("benchmarks")
    app.jinja_env.autoescape = True
    Cache(app, config=config)
    return app


def jinja2_literal(stage: Stage) -> Sampler:
    env = jinja2_environment()
    table = env.from_string(JINJA2_TABLE).render(SETUP)
    page = env.from_string(JINJA2_HEAD + table + JINJA2_FOOT)
    return stage.statement("render(context)", **rendering(page.render, SETUP))


def jinja2_uncached(stage: Stage) -> Sampler:
    page = jinja2_environment().from_string(JINJA2_HEAD + JINJA2_TABLE + JINJA2_FOOT)
    return stage.statement("render(context)", **rendering(page.render, SETUP))


# Mako, in memory


def mako_page(impl: str, options: str, **arguments: Any) -> Contender:
    def prepare(stage: Stage) -> Sampler:
        from mako.lookup import TemplateLookup

        lookup = TemplateLookup(
            cache_impl=impl, cache_args=arguments, default_filters=["h"]
        )
        head = f'<%def name="table()" cached="True" {options}>\n{MAKO_TABLE}</%def>\n'
        lookup.put_string("page", f"{head}{MAKO_HEAD}${{table()}}{MAKO_FOOT}")
        return mako_rendering(stage, lookup.get_template("page"))

    return prepare


def mako_by_region(package: str) -> Contender:
    from mako.cache import register_plugin

    names = {
        THIS: ("dogpile_templates.mako", "DogpileCacheImpl"),
        THAT: ("dogpile.cache.plugins.mako_cache", "MakoPlugin"),
    }
    register_plugin(f"of {package}", *names[package])
    regions = {"short": make_region(package, "memory")}
    return mako_page(f"of {package}", 'cache_region="short"', regions=regions)


def mako_rendering(stage: Stage, page: Any) -> Statement:
    render = page.render
    render(**SETUP)
    return stage.statement("render(**context)", render=render, context=SETUP)


def mako_literal(stage: Stage) -> Sampler:
    from mako.template import Template

    table = Template(MAKO_TABLE, default_filters=["h"]).render(**SETUP)
    text = f"<%text>{table}</%text>"
    page = Template(MAKO_HEAD + text + MAKO_FOOT, default_filters=["h"])
    return mako_rendering(stage, page)


# A hundred fragments, on Redis


def cacheeach(stage: Stage) -> Statement:
    env = jinja2_environment(redis_region(THIS, stage))
    page = env.from_string(
        f'{{% cacheeach "short", book in books, key=(book.id, book.loans) %}}{JINJA2_CARD}'
        "{% endcacheeach %}"
    )
    return stage.statement("render(context)", **rendering(page.render, CONTEXT))


def hundred_by_flask_caching(stage: Stage) -> Statement:
    url = stage.servers.redis_url
    app = flask_caching_app(CACHE_TYPE="RedisCache", CACHE_REDIS_URL=url)
    stage.closing.enter_context(app.app_context())
    page = app.jinja_env.from_string(
        f"{{% for book in books %}}{{% cache {AN_HOUR}, book.id|string, "
        f"book.loans|string %}}{JINJA2_CARD}{{% endcache %}}{{% endfor %}}"
    )
    return stage.statement("render(context)", **rendering(page.render, CONTEXT))


def away(when: str) -> Callable[[Stage], Sampler]:
    def sampler(stage: Stage) -> Sampler:
        region = dead_region()
        page = jinja2_environment(region).from_string(
            f'{{% cacheeach "short", book in books, key=(book.id, book.loans){when} %}}'
            f"{JINJA2_CARD}{{% endcacheeach %}}"
        )
        return stage.statement("render(context)", **rendering(page.render, CONTEXT))

    return sampler


def dead_region() -> Any:
    """Return a region whose Redis has been found away."""
    import logging

    from dogpile_cache import make_region

    logging.getLogger("dogpile_cache").setLevel(logging.ERROR)
    nobody = {"url": f"redis://127.0.0.1:{free_port()}/0"}
    region = make_region().configure(
        "dogpile.cache.redis", AN_HOUR, nobody, recovery_time=AN_HOUR
    )
    for _ in range(5):
        region.get("key")
    return region


def cards_by_redis(stage: Stage) -> Statement:
    client = redis_client(stage)
    card = jinja2_environment().from_string(JINJA2_CARD)
    texts = {f"card {book['id']}": card.render(book=book) for book in BOOKS}
    client.mset(texts)
    return stage.statement(
        'b"".join(mget(keys)).decode()', mget=client.mget, keys=list(texts)
    )


def cards_uncached(stage: Stage) -> Statement:
    source = f"{{% for book in books %}}{JINJA2_CARD}{{% endfor %}}"
    page = jinja2_environment().from_string(source)
    return stage.statement("render(context)", **rendering(page.render, CONTEXT))


def rows() -> list[Row]:
    literal, uncached = "the HTML as literal text", "uncached"
    return [
        Row(
            "Jinja2 page, its table cached in memory",
            {
                THIS: jinja2_page,
                "Flask-Caching": jinja2_by_flask_caching,
                uncached: jinja2_uncached,
                literal: jinja2_literal,
            },
            reach=(Reach(1.25, literal), Reach(1, "Flask-Caching")),
            floor=literal,
        ),
        Row(
            "Mako page, its table cached in memory",
            {
                THIS: mako_by_region(THIS),
                THAT: mako_by_region(THAT),
                "Beaker": mako_page("beaker", 'cache_type="memory"'),
                literal: mako_literal,
            },
            reach=(Reach(1.25, literal), Reach(1, "Beaker")),
            floor=literal,
        ),
        Row(
            "Jinja2 page of 100 fragments on redis",
            {
                THIS: cacheeach,
                "Flask-Caching": hundred_by_flask_caching,
                uncached: cards_uncached,
                "mget and join": cards_by_redis,
            },
            reach=(Reach(3, "mget and join"), Reach(1, uncached)),
            floor="mget and join",
            pinned=False,
            note=lambda: "the server on the other core, as it is for a site",
        ),
        Row(
            "the same page, redis dead",
            {THIS: away(""), uncached: away(", when=false")},
            reach=(Reach(1.2, uncached),),
            floor=uncached,
            note=lambda: "the circuit open; uncached: the same template, when=false",
        ),
        Row(
            "Jinja2 page of 100 fragments on redis, commands",
            {
                THIS: counted(cacheeach),
                "Flask-Caching": counted(hundred_by_flask_caching),
            },
            figures=(Figure((Reach(1),), unit=""),),
            rounds=3,
        ),
    ]
