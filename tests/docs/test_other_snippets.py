"""The snippets that are no Python: each language there is has something that reads it."""

from __future__ import annotations

import ast
import re
import sys
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jinja2 import Environment, FunctionLoader, meta
from mako.lookup import TemplateLookup

import dogpile_templates.mako
from dogpile_cache import make_region

from .test_snippets import PAGES, ROOT, languages, name, snippets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # which pytest brings along

dogpile_templates.mako.register()

RUN_ELSEWHERE = {"python", "ini", "text"}  # of which the last is for readers only


class Anything:
    """Be a value of whichever kind a snippet takes it for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything(f"{self._name}.{name}")

    def __call__(self, *args: object, **kw: object) -> Anything:
        return Anything(f"{self._name}()")

    def __iter__(self) -> Iterator[Anything]:
        return iter([Anything(f"{self._name}[0]"), Anything(f"{self._name}[1]")])

    def __str__(self) -> str:
        return self._name

    __repr__ = __cache_key__ = __str__


def regions() -> Any:
    made = lambda: make_region().configure("dogpile.cache.memory", 60)
    return defaultdict(made)


def render_jinja(snippet: str) -> None:
    env: Any = Environment(
        extensions=["dogpile_templates.jinja2.CacheExtension"],
        loader=FunctionLoader(lambda name: ""),
    )
    env.cache_regions = known = regions()
    env.cache_default_region = "short"
    assert known["short"] is not known["long"]
    names = meta.find_undeclared_variables(env.parse(snippet)) - known.keys()
    template = env.from_string(snippet)
    first, second = (template.render({n: Anything(n) for n in names}) for _ in range(2))
    assert first == second


def render_mako(snippet: str) -> None:
    args = {"regions": regions(), "region": "short"}
    lookup = TemplateLookup(cache_impl="dogpile.cache", cache_args=args)
    lookup.put_string("page", snippet)
    template = lookup.get_template("page")
    found = set(re.findall(r"context\.get\('(\w+)'", template.code))
    names = {name: Anything(name) for name in found}
    assert template.render(**names) == template.render(**names)


READERS: dict[str, Callable[[str], object]] = {
    "jinja": render_jinja,
    "html+jinja": render_jinja,
    "mako": render_mako,
    "html+mako": render_mako,
    "toml": tomllib.loads,
}

NONSENSE = {
    "jinja": "{% cache 1 %} ... {% endcache %}",
    "html+jinja": '{% cache "short" %}',
    "mako": '<%def cached="True"></%def>',
    "html+mako": '<%block cached="True">',
    "toml": "[project",
}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_snippets_of_every_language_run(page: Any) -> None:
    assert languages(page) <= RUN_ELSEWHERE | set(READERS)
    assert page.read_text().count("code-block::") == sum(
        len([*snippets(page, language)]) for language in languages(page)
    )
    for language, read in READERS.items():
        for snippet in snippets(page, language):
            read(snippet)


def test_there_are_such_snippets() -> None:
    used = {"jinja", "html+jinja", "mako", "html+mako", "toml"}
    assert used <= set().union(*map(languages, PAGES))


@pytest.mark.parametrize("language", READERS)
def test_what_cannot_be_read_is_noticed(language: str) -> None:
    with pytest.raises(Exception, match=r"\S"):
        READERS[language](NONSENSE[language])


@contextmanager
def calls_to(file: str) -> Iterator[list[str]]:
    """List the functions of a file that are called."""
    called: list[str] = []

    def note(frame: types.FrameType, event: str, _arg: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename == file and code.co_name[0] != "<":
            called.append(code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(before)


def test_calls_do_what_the_readme_says_beside_them() -> None:
    page = ROOT / "README.rst"
    told: dict[str, list[list[str]]] = {"runs the function": [], "from the cache": []}
    module = types.ModuleType("snippets_of_the_readme")
    for snippet in snippets(page, "python"):
        lines = snippet.splitlines()
        for statement in ast.parse(snippet).body:
            code = compile(ast.Module([statement], []), name(page), "exec")
            with calls_to(name(page)) as called:
                exec(code, module.__dict__)
            for words in told:
                if lines[statement.end_lineno - 1].endswith(words):
                    told[words].append(called)
    assert told == {"runs the function": [["bestsellers"]], "from the cache": [[]]}
