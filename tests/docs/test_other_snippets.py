"""The snippets that are no Python: each language there is has something that reads it."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from jinja2 import Environment
from mako.template import Template

import dogpile_templates.mako

from .test_snippets import PAGES, ROOT, languages, name, snippets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # which pytest brings along

dogpile_templates.mako.register()

RUN_ELSEWHERE = {"python", "ini", "text"}  # of which the last is for readers only


def read_jinja(snippet: str) -> None:
    env = Environment(extensions=["dogpile_templates.jinja2.CacheExtension"])
    env.from_string(snippet)


def read_mako(snippet: str) -> None:
    cache: Any = Template(snippet, cache_impl="dogpile.cache").cache
    assert cache.impl is not None


READERS: dict[str, Callable[[str], object]] = {
    "jinja": read_jinja,
    "html+jinja": read_jinja,
    "mako": read_mako,
    "html+mako": read_mako,
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
def test_the_snippets_of_every_language_can_be_read(page: Any) -> None:
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
