"""Imports go one way: a module imports only those that come before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dogpile_cache

PACKAGE = Path(dogpile_cache.__path__[0])
TEMPLATES = PACKAGE.parent / "dogpile_templates"

LAYERS = [
    {"exception", "backend", "api", "report", "forking"},
    {"freshness", "typed", "signature", "keys", "serializers", "flow", "events"},
    {"compression", "header", "signing", "codec"},
    {"mutex", "plugins", "options", "stats"},
    {"lease", "invalidation", "regenerate", "proxy", "store", "util", "protocols"},
    {
        "settings",
        "context",
        "resting",
        "background",
        "regenerate_many",
        "away",
        "missed",
    },
    {"circuit"},
    {"guard"},
    {
        "binding",
        "stamps",
        "telling",
        "entry",
        "batch",
        "base",
        "lock",
        "companions",
        "decorators",
        "region",
        "testing",
    },
    {"tasks"},
    {"aio", "config"},
    {"twin"},
]
LAYER = {name: number for number, names in enumerate(LAYERS) for name in names}
FOR_BACKENDS = {
    "api", "codec", "exception", "forking", "header", "keys", "lease", "mutex",
    "options", "plugins", "report", "tasks", "util",
}  # fmt: skip


def imports(file: Path, *, at_run_time: bool = True) -> Iterator[tuple[str, str]]:
    """Give the modules of a file's imports, as ``(module, name)``, less type checks."""
    tree = ast.parse(file.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if at_run_time and id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            yield from ((dots + (node.module or ""), a.name) for a in node.names)


def own_module(module: str, name: str) -> str | None:
    """Return the module of the core that an import inside the core is about."""
    path = module.removeprefix("dogpile_cache").removeprefix(".")
    if not module.startswith((".", "dogpile_cache")):
        return None
    return path.split(".")[0] or name


CORE = sorted(path for path in PACKAGE.glob("*.py") if path.stem != "__init__")
BACKENDS = sorted(PACKAGE.glob("backends/*.py"))


TASKS = sorted(path for path in PACKAGE.glob("tasks/*.py") if path.stem != "__init__")
EXPORTERS = sorted(PACKAGE.glob("exporters/*.py"))
FOR_EXPORTERS = {"__version__", "events", "exception", "options"}


@pytest.mark.parametrize("file", EXPORTERS, ids=lambda file: file.stem)
def test_an_exporter_knows_events_and_no_region(file: Path) -> None:
    for module, name in imports(file):
        if module.startswith("dogpile_cache"):
            assert own_module(module, name) in FOR_EXPORTERS, f"{file.stem}: {module}"
        elif module.startswith("."):
            assert module == ".instruments", f"{file.stem}: {module}"


@pytest.mark.parametrize("file", TASKS, ids=lambda file: file.stem)
def test_what_serves_tasks_imports_no_region(file: Path) -> None:
    for module, name in imports(file):
        if module.startswith("dogpile_cache"):
            target = own_module(module, name)
            assert LAYER.get(target or "", 99) < LAYER["tasks"], (
                f"{file.stem}: {target}"
            )


@pytest.mark.parametrize("file", CORE, ids=lambda file: file.stem)
def test_a_module_of_the_core_imports_no_later_one(file: Path) -> None:
    assert file.stem in LAYER, f"{file.name} has no place in the layers"
    for module, name in imports(file):
        target = own_module(module, name)
        if target is not None:
            assert LAYER.get(target, 99) <= LAYER[file.stem], f"{file.stem}: {target}"


def test_no_two_modules_of_the_core_import_each_other() -> None:
    targets = {
        file.stem: {own_module(*imported) for imported in imports(file)} - {None}
        for file in CORE
    }

    def reaches(start: str, end: str, seen: frozenset[str] = frozenset()) -> bool:
        following = {t for t in targets.get(start, set()) if t and t not in seen}
        return end in following or any(reaches(t, end, seen | {t}) for t in following)

    assert [name for name in targets if reaches(name, name)] == []


@pytest.mark.parametrize("file", BACKENDS, ids=lambda file: file.stem)
def test_a_backend_imports_only_what_backends_may(file: Path) -> None:
    for module, name in imports(file):
        if module.startswith("dogpile_cache"):
            assert own_module(module, name) in FOR_BACKENDS, f"{file.stem}: {module}"
        elif module.startswith("."):
            sibling = (module[1:] or name).split(".")[0]
            assert (file.parent / f"{sibling}.py").exists(), f"{file.stem}: {module}"


def test_the_templates_use_only_public_names_of_the_cache() -> None:
    for file in TEMPLATES.glob("**/*.py"):
        for module, name in imports(file, at_run_time=False):
            if module.split(".")[0] == "dogpile_cache":
                parts = [*module.split("."), name]
                assert not any(part.startswith("_") for part in parts), (file, parts)


FRAMEWORKS = {"flask", "pyramid", "starlette"}
ENGINES = {"jinja2", "mako"}
NEUTRAL = {"__init__", "access", "applications", "fragments", "sources"}


def packages(file: Path) -> set[str]:
    """Return the packages that a module needs when it is imported, and its siblings."""
    found = {
        module.split(".")[0] if module[0] != "." else f".{module[1:] or name}"
        for module, name in imports(file)
    }
    return {name.split("_")[0] for name in found}


@pytest.mark.parametrize("file", sorted(TEMPLATES.glob("*.py")), ids=lambda f: f.stem)
def test_integrations_do_not_know_each_other(file: Path) -> None:
    own, needed = file.stem.split("_")[0], packages(file)
    foreign = FRAMEWORKS - {own}
    if own in ENGINES or file.stem in NEUTRAL:
        foreign = foreign | ENGINES - {own}
    assert not needed & foreign
    assert not needed & {f".{name}" for name in foreign}
