"""What the tag ``cache`` refuses, and where it says so."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateSyntaxError
from jinja2.exceptions import UndefinedError

from dogpile_cache.exception import ValidationError
from dogpile_templates import UnknownRegion, UnstableKeyPart

from .engines import Regions, jinja2_environment


@pytest.fixture
def env(regions: Regions) -> Environment:
    return jinja2_environment(regions)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('42, "k"', r"first argument of the cache tag is 42"),
        ('["short"]', r"first argument of the cache tag is \['short'\]"),
        ("(1, 2)", r"first argument of the cache tag is \(1, 2\)"),
        ('{"a": b}', "first argument of the cache tag"),
        ('short "k"', "commas"),
        (
            '"short", "k", timeout=60',
            "does not take timeout= here; it takes key=",
        ),
        ('"short", expiration_time=1, expiration_time=2', "once each"),
        ('"short", expiration_time=60, "k"', "takes its options last"),
        ('"short", 1, key=2', "key parts or key=, not both"),
        ('"short", name=x', "name= of a cache tag is a constant string"),
        ('"short", name=1', "name= of a cache tag is a constant string"),
        ('"short", expiration_time="soon"', r"It is 'soon'; allowed are a number"),
        ('"short", expiration_time=-2', r"It is -2; allowed are a number"),
        ('"short",', "unexpected 'end of statement block'"),
    ],
)
def test_a_wrong_argument_is_a_syntax_error_at_the_line_of_the_tag(
    env: Environment, arguments: str, message: str
) -> None:
    with pytest.raises(TemplateSyntaxError, match=message) as caught:
        env.from_string(f"1\n2\n{{% cache {arguments} %}}\n4\n{{% endcache %}}")
    assert caught.value.lineno == 3


def test_a_tag_without_an_end_is_a_syntax_error(env: Environment) -> None:
    with pytest.raises(TemplateSyntaxError, match="endcache"):
        env.from_string('{% cache "short", "k" %}')


@pytest.mark.parametrize("undefined", [None, StrictUndefined])
@pytest.mark.parametrize("part", ["usr", "user.idd", "[1, usr]", "{1: usr}"])
def test_an_undefined_key_is_an_error_and_not_one_key_for_all(
    regions: Regions, part: str, undefined: type | None
) -> None:
    options = {} if undefined is None else {"undefined": undefined}
    env = jinja2_environment(regions, **options)
    template = env.from_string(f'{{% cache "short", {part} %}}x{{% endcache %}}')
    with pytest.raises(UndefinedError, match=r"'(usr|.*idd)'.*x\|default\(none\)"):
        template.render(user={"id": 1})


def test_a_region_given_by_an_undefined_expression_is_an_error(
    env: Environment,
) -> None:
    template = env.from_string('{% cache settings.region, "k" %}x{% endcache %}')
    with pytest.raises(UndefinedError, match=r"region'.*cannot name a region"):
        template.render(settings={})


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ('"shrt", "k"', UnknownRegion),
        ('shrt, "k"', UnknownRegion),
        ('"short", thing', UnstableKeyPart),
        ('"short", usr', UndefinedError),
        ('"short", expiration_time=thing', ValidationError),
        ('"short", "k"', ZeroDivisionError),
    ],
)
def test_an_error_names_the_template_and_the_line_of_the_tag(
    regions: Regions, tmp_path: Path, arguments: str, error: type[Exception]
) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        f"1\n2\n{{% cache {arguments} %}}\n{{{{ 1 // 0 }}}}\n{{% endcache %}}"
    )
    env = jinja2_environment(regions, loader=FileSystemLoader(tmp_path))
    with pytest.raises(error) as caught:
        env.get_template("page.html").render(thing=object())
    frames = traceback.extract_tb(caught.value.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    assert lines == ([3, 4] if error is ZeroDivisionError else [3])


def test_a_missing_setting_is_an_error_that_names_it() -> None:
    env = Environment(extensions=["dogpile_templates.jinja2.CacheExtension"])
    template = env.from_string('{% cache "short", "k" %}x{% endcache %}')
    with pytest.raises(UnknownRegion, match=r"env\.cache_regions is empty"):
        template.render()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('"short"', "needs a loop and a key"),
        ('"short", x in xs', "needs a loop and a key"),
        ("x in xs", "needs a loop and a key"),
        ('"short", key=1', "needs a loop and a key"),
        ('"short", x in xs, x', "takes key= after its loop"),
        ('"short", x of xs, key=x', "expected token"),
        ('"short", x in xs, key=x, wen=1', "does not take wen="),
        ('"short", loop in xs, key=1', "loop"),
    ],
)
def test_a_wrong_argument_of_cacheeach_is_a_syntax_error_at_its_line(
    env: Environment, arguments: str, message: str
) -> None:
    with pytest.raises(TemplateSyntaxError, match=message) as caught:
        env.from_string(f"1\n{{% cacheeach {arguments} %}}{{% endcacheeach %}}")
    assert caught.value.lineno == 2


def test_a_tag_that_names_no_region_wants_a_default_region(env: Environment) -> None:
    with pytest.raises(UnknownRegion, match="names no region"):
        env.from_string("{% cache key=1 %}x{% endcache %}").render()
