"""``aio.py`` is ``region.py``, but for ``async`` and ``await``."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import dogpile_cache
from dogpile_cache import CacheRegion
from dogpile_cache.aio import AsyncCacheRegion

PACKAGE = Path(dogpile_cache.__path__[0])
WORDS = re.compile(r"\basync |\bawait |Async|async_")


def stripped(module: str) -> str:
    """Return the code of a module from its class on, without the words of tasks.

    Overloads are for type checkers, and left out.
    """
    source = (PACKAGE / module).read_text()
    start = re.search(r"^class ", source, re.MULTILINE)
    assert start is not None
    tree = ast.parse(WORDS.sub("", source[start.start() :]))
    region = tree.body[0]
    assert isinstance(region, ast.ClassDef)
    region.body = [each for each in region.body if not is_overload(each)]
    return ast.unparse(tree)


def is_overload(node: ast.stmt) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(ast.unparse(each) == "overload" for each in decorators)


def test_the_two_are_the_same_word_for_word() -> None:
    assert stripped("aio.py") == stripped("region.py")


def test_a_word_more_is_noticed() -> None:
    assert stripped("aio.py") != stripped("region.py").replace("flights", "others")


def test_the_two_have_the_same_names() -> None:
    more = {"aclose"}
    names = {name for name in dir(AsyncCacheRegion) if name[0] != "_"}
    assert names - {"async_creation_runner"} == more | {
        name for name in dir(CacheRegion) if name[0] != "_"
    }


def methods(module: str, name: str) -> dict[str, str]:
    """Return the methods of a class, without the words of tasks and their types."""
    tree = ast.parse(WORDS.sub("", (PACKAGE / module).read_text()))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    [found] = [each for each in classes if each.name == name]
    return {
        each.name: ast.unparse(untyped(each))
        for each in found.body
        if isinstance(each, ast.FunctionDef)
    }


def untyped(function: ast.FunctionDef) -> ast.FunctionDef:
    """Return a function without annotations and docstring."""
    for node in ast.walk(function):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    return function


def test_what_guards_a_backend_for_tasks_is_what_guards_one_for_threads() -> None:
    threads = methods("guard.py", "Guarded")
    tasks = methods("tasks/guard.py", "Guarded")
    assert len(tasks) > 5
    assert tasks == {name: threads[name] for name in tasks}
