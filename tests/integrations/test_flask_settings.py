"""The settings of an application of Flask, and its commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, render_template_string

from dogpile_cache.exception import ValidationError
from dogpile_templates import UnknownRegion
from dogpile_templates.flask import DogpileCache

from .test_flask import MEMORY, NUMBERS, cache, make_app, view

__all__ = ["cache"]

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        (5, r"DOGPILE_REGIONS'\] is 5; it is a dict"),
        ({"short": "memory"}, r"DOGPILE_REGIONS\['short'\] is 'memory'; it is a dict"),
        ({"short": {}}, "'DOGPILE_REGIONS.short.backend' is missing"),
        (
            {"short": MEMORY | {"expiration_tiem": 1}},
            "'DOGPILE_REGIONS.short.expiration_",
        ),
        (
            {"short": MEMORY | {"expiration_time": "x"}},
            "DOGPILE_REGIONS.short.expiration",
        ),
        ({"short": MEMORY | {"arguments": {"urll": 1}}}, "has no argument 'urll'"),
        (
            {"short": MEMORY | {"arguments": "ab"}},
            "arguments' is 'ab'; allowed is a map",
        ),
        ({"short": {"backend": ["x"]}}, r"backend' is \['x'\]; allowed is the name"),
        ({"short": MEMORY | {"serializer": 5}}, "serializer 5; there are pickle,"),
        ({}, "uses the regions early, which DOGPILE_REGIONS does not name"),
    ],
)
def test_a_mistake_in_the_settings_is_an_error_at_the_start(
    cache: DogpileCache, regions: Any, message: str
) -> None:
    cache.region("early")
    if isinstance(regions, dict) and "short" in regions:
        regions["early"] = MEMORY
    with pytest.raises(ValidationError, match=message):
        make_app(cache, regions)


def test_a_region_that_no_application_has_is_an_error(cache: DogpileCache) -> None:
    make_app(cache)
    with pytest.raises(UnknownRegion, match="'shrt'; DOGPILE_REGIONS has"):
        cache.region("shrt")


def test_a_region_is_configured_by_the_settings_alone(cache: DogpileCache) -> None:
    with pytest.raises(ValidationError, match="configured by DOGPILE_REGIONS"):
        cache.region("short").configure("dogpile.cache.memory")


@pytest.fixture
def run(cache: DogpileCache, redis_server: Any) -> tuple[Flask, Run]:
    """Return an application, and what runs its commands in another one like it."""
    redis = {
        "backend": "dogpile.cache.redis",
        "expiration_time": 60,
        "arguments": {"port": redis_server.port},
    }
    regions = {"short": redis, "long": MEMORY}
    other = make_app(DogpileCache(), regions, DOGPILE_KEY_PREFIX="site")
    app = make_app(cache, regions, DOGPILE_KEY_PREFIX="site")
    return app, other.test_cli_runner().invoke


def test_the_command_regions_lists_them(run: tuple[Flask, Run]) -> None:
    _, invoke = run
    assert invoke(args=["cache", "regions"]).output.splitlines() == [
        "short: RedisBackend, expires after 60 s",
        "long: MemoryBackend, expires after 60 s",
    ]


def test_the_command_clear_reaches_other_processes(
    run: tuple[Flask, Run], cache: DogpileCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, invoke = run
    key = f"k={next(NUMBERS)}"
    first = view(app, key)
    assert view(app, key) == first
    assert invoke(args=["cache", "clear", "short"]).output.startswith("Cleared short")
    with app.app_context():
        strategy = cache.regions["short"].region_invalidator
    monkeypatch.setattr(strategy, "_pause", 0)  # as if a second had passed
    assert view(app, key) != first


def test_the_command_clear_says_what_it_cannot_do(run: tuple[Flask, Run]) -> None:
    _, invoke = run
    unknown, local = (
        invoke(args=["cache", "clear", name]) for name in ("shrt", "long")
    )
    assert unknown.exit_code == 2
    assert "There is no region 'shrt'; there are short, long." in unknown.output
    assert local.exit_code == 1
    assert "in the memory of each process" in local.output


@pytest.mark.parametrize("off", [False, "false", "0", "No", ""])
def test_the_switch_may_be_a_text_from_the_environment(
    cache: DogpileCache, off: Any
) -> None:
    app = make_app(cache, DOGPILE_ENABLED=off)
    assert [view(app), view(app)] == ["1ab", "2ab"]


def test_a_switch_that_is_none_is_an_error(cache: DogpileCache) -> None:
    with pytest.raises(ValidationError, match="DOGPILE_ENABLED is 'maybe'"):
        make_app(cache, DOGPILE_ENABLED="maybe")


def test_names_of_arguments_may_be_in_upper_case(
    cache: DogpileCache, redis_server: Any
) -> None:
    options = {
        "BACKEND": "dogpile.cache.redis",
        "ARGUMENTS": {"PORT": redis_server.port},
    }
    app = make_app(cache, {"short": options, "long": options})
    key = f"k={next(NUMBERS)}"
    assert view(app, key) == view(app, key)


def test_processes_that_share_a_server_render_a_fragment_once_among_them(
    cache: DogpileCache, redis_server: Any
) -> None:
    options = {
        "backend": "dogpile.cache.redis",
        "arguments": {"port": redis_server.port},
    }
    app = make_app(cache, {"short": options, "long": options})
    with app.app_context():
        for region in cache.regions.values():
            assert region.actual_backend.get_mutex("key") is not None


def test_two_applications_on_one_server_do_not_see_each_other(
    redis_server: Any,
) -> None:
    options = {
        "backend": "dogpile.cache.redis",
        "arguments": {"port": redis_server.port},
    }
    key, caches = f"k={next(NUMBERS)}", [DogpileCache(), DogpileCache()]
    apps = [make_app(each, {"short": options, "long": options}) for each in caches]
    for app, shown in zip(apps, "ab"):
        app.jinja_env.globals["n"] = lambda shown=shown: shown
    for _ in range(2):
        assert [view(app, key)[0] for app in apps] == ["a", "b"]
    for each, app in zip(caches, apps):
        with app.app_context():
            each.region("short").set("key", app.name)
    for each, app in zip(caches, apps):
        with app.app_context():
            assert each.region("short").get("key") == app.name


def test_a_server_forgets_what_has_been_stale_for_a_day(
    cache: DogpileCache, redis_server: Any
) -> None:
    options = {
        "backend": "dogpile.cache.redis",
        "expiration_time": 60,
        "arguments": {"port": redis_server.port},
    }
    app = make_app(cache, {"short": options, "long": MEMORY})
    with app.app_context():
        region = cache.regions["short"]
        region.set("key", "text")
        assert region.key_mangler is not None
        client: Any = region.actual_backend
        left = client.reader_client.ttl(region.key_mangler("key"))
    assert 86_400 < left <= 86_460


def test_a_misspelt_setting_is_an_error(cache: DogpileCache) -> None:
    with pytest.raises(ValidationError, match=r"'DOGPILE_ENABLE'; there are DOGPILE_"):
        make_app(cache, DOGPILE_ENABLE=False)


def test_an_unknown_region_is_told_by_the_name_of_the_setting(
    cache: DogpileCache,
) -> None:
    app = make_app(cache)
    with app.test_request_context():
        for tag in ('{% cache "shrt" %}', "{% cache %}"):
            with pytest.raises(UnknownRegion, match="DOGPILE_REGIONS has 'long'"):
                render_template_string(tag + "{% endcache %}")
