"""What the templates of a Jinja2 environment refer to, and what is shown with them.

The references of a template are the strings in its tags ``extends``, ``include``,
``import`` and ``from``: all that a static reference, or the branches of a conditional
one, may mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from jinja2 import Environment, Template, TemplateError, nodes
from jinja2.runtime import Context

from .fragments import FragmentError, digest
from .jinja2_render import name_in_keys
from .jinja2_tags import MARK, Tag
from .sources import Source, digest_of_code, digest_of_references

_REFERRING = {"extends", "include", "import", "from"}
_MOST = 4096  # digests to keep; templates from strings may go on for ever


class References(NamedTuple):
    """Be what a template refers to."""

    names: tuple[str, ...]
    extends: bool
    """Whether it may extend another template."""

    mentions_self: bool
    """Whether it may show its blocks elsewhere than where they stand, as in macros."""


def references_of(environment: Environment, source: str) -> References:
    """Return what a preprocessed source refers to."""
    names: dict[str, None] = {}
    referring = extends = mentions_self = False
    before = ""
    for token in environment.lexer.tokenize(source):
        if before == "block_begin":
            referring = token.type == "name" and token.value in _REFERRING
            extends = extends or (referring and token.value == "extends")
        elif referring and token.type == "string":
            names[token.value] = None
        elif token.type == "name" and token.value == "self":
            mentions_self = True
        referring = referring and token.type != "block_end"
        before = token.type
    return References(tuple(names), extends, mentions_self)


class _Known(NamedTuple):
    digest: str
    templates: list[Template]
    missing: list[tuple[str, str | None]]
    """References, each with its referrer, that led nowhere."""


class Versions:
    """Know the digests of what the templates of one environment refer to."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._known: dict[Any, _Known] = {}

    def of(self, template: str | None, references: tuple[str, ...]) -> str:
        """Return the digest of all that some references of a template lead to.

        It is made once, and again when one of the templates is to be reloaded.
        """
        asked = (template, references)
        known = self._known.get(asked)
        if known is None or (self._environment.auto_reload and self._is_old(known)):
            known = self._look(template, references)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[asked] = known
        return known.digest

    def _is_old(self, known: _Known) -> bool:
        return not all(each.is_up_to_date for each in known.templates) or any(
            self._load(*reference) is not None for reference in known.missing
        )

    def _look(self, template: str | None, references: tuple[str, ...]) -> _Known:
        found: list[Template] = []
        missing: list[tuple[str, str | None]] = []

        def find(reference: str, referrer: str | None) -> Source | None:
            template = self._load(reference, referrer)
            if template is None:
                missing.append((reference, referrer))
                return None
            found.append(template)
            return self._source(template)

        return _Known(digest_of_references(references, template, find), found, missing)

    def _load(self, reference: str, referrer: str | None) -> Template | None:
        try:
            return self._environment.get_template(reference, referrer)
        except TemplateError:  # it is missing, or wrong
            return None

    def _source(self, template: Template) -> Source | None:
        environment, name, filename = self._environment, template.name or "", None
        called = name_in_keys(environment, name) or ""
        try:
            assert environment.loader is not None  # it has loaded the template
            source, filename, _ = environment.loader.get_source(environment, name)
        except (TemplateError, RuntimeError):  # gone, or compiled ahead of time
            source = None
        if source is None or not template.is_up_to_date:
            code = [function.__code__ for function in functions_of(template)]
            return Source(name, called, digest("".join(map(digest_of_code, code))), ())
        try:
            prepared = environment.preprocess(source, name, filename)
            references = references_of(environment, prepared).names
        except TemplateError:
            references = ()
        return Source(name, called, digest(source), references)

    def of_function(self, function: Any) -> str:
        """Return a digest of what a function of a template shows."""
        own = function.__globals__.get("name")
        code = digest_of_code(function.__code__)
        return code if own is None else code + self.of(None, (own,))

    def of_blocks(self, shown: Context | str) -> str:
        """Return a digest of the templates whose blocks a rendering, or a page, shows."""
        digests: set[str] = set()
        if isinstance(shown, str):
            pages = ancestry(self._environment, shown)
            names = [str(each.name) for each in pages if each.blocks]
            digests.update(self.of(None, (name,)) for name in names)
        else:
            for functions in shown.blocks.values():
                digests.update(map(self._of_block, functions))
        return digest("".join(sorted(digests)))

    def _of_block(self, function: Any) -> str:
        name = function.__globals__.get("name")
        return self.of_function(function) if name is None else self.of(None, (name,))


def ancestry(environment: Environment, page: str) -> Iterator[Template]:
    """Yield a template and those that it extends, as far as they can be known."""
    parent, seen = None, set()
    while page not in seen:
        template = environment.get_template(page, parent)
        yield template
        seen.add(page)
        parent = template.name
        if environment.loader is None or parent is None:
            return
        try:
            source = environment.loader.get_source(environment, parent)[0]
        except RuntimeError as error:
            raise FragmentError(
                f"The source of {parent!r} cannot be had, so what it extends is unknown: "
                f"{error}."
            ) from error
        extends = environment.parse(source, parent).find(nodes.Extends)
        if extends is None or not isinstance(extends.template, nodes.Const):
            return
        page = extends.template.value


def functions_of(template: Template) -> list[FunctionType]:
    """Return the functions that a template was compiled to."""
    root: Any = template.root_render_func
    return [root, *template.blocks.values()]


def tags_of(template: Template) -> list[Tag]:
    """Return the tags of a loaded template, in no order, each once."""
    codes = [function.__code__ for function in functions_of(template)]
    return list({tag: None for code in codes for tag in _tags(code)})


def _tags(code: CodeType) -> Iterator[Tag]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _tags(constant)
        elif isinstance(constant, tuple) and constant[:1] == (MARK,):
            yield Tag._make(constant)
