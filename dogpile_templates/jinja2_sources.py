"""What the templates of a Jinja2 environment refer to, followed and made digests of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from jinja2 import Environment, Template, TemplateError, TemplateNotFound, nodes

from .fragments import FragmentError, digest
from .jinja2_render import name_in_keys
from .jinja2_scopes import references_of
from .jinja2_shown import digest_of_blocks
from .jinja2_tags import MARK, Tag
from .sources import Source, codes_in, digest_of_code, digest_of_references

_MOST = 4096  # digests to keep; templates from strings may go on for ever
_MEANING = (
    "block_start_string", "block_end_string", "variable_start_string",
    "variable_end_string", "comment_start_string", "comment_end_string",
    "line_statement_prefix", "line_comment_prefix", "trim_blocks", "lstrip_blocks",
    "newline_sequence", "keep_trailing_newline",
)  # fmt: skip
_LOADING = {"get_template", "select_template", "get_or_select_template"}


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
        options = _options(environment, name)
        try:
            assert environment.loader is not None  # it has loaded the template
            source, filename, _ = environment.loader.get_source(environment, name)
        except (TemplateError, RuntimeError):  # gone, or compiled ahead of time
            source = None
        if source is None or not template.is_up_to_date:
            code = [function.__code__ for function in functions_of(template)]
            made = digest("".join([*map(digest_of_code, code), options]))
            return Source(name, called, made, ())
        prepared = source
        references: tuple[str, ...] = ()
        with suppress(TemplateError):
            prepared = environment.preprocess(source, name, filename)
            references = references_of(environment, prepared).names
        return Source(name, called, digest(options + prepared), references)

    def of_blocks(self, lineage: Lineage) -> str:
        """Return a digest of the templates whose blocks a page shows."""
        found: dict[str, list[str]] = {}
        for template in lineage.templates:
            for block in template.blocks:
                found.setdefault(block, []).append(self._of_named(str(template.name)))
        return digest_of_blocks(found)

    def _of_named(self, name: str) -> str:
        """Return a digest of a template's name and of all that it leads to.

        Two that refer to each other lead to the same.
        """
        return digest(
            f"{name_in_keys(self._environment, name)} {self.of(None, (name,))}"
        )

    def of_template(self, function: Any) -> str:
        """Return a digest of the template that a function is of."""
        own: dict[str, Any] = function.__globals__
        if own.get("name") is not None:
            return self._of_named(own["name"])
        functions = [own["root"], *own["blocks"].values()]
        codes = [each.__code__ for each in functions]
        loaded = sorted({name for code in codes for name in _loaded(code)})
        found = tuple(name for name in loaded if self._load(name, None) is not None)
        return digest("".join([*map(digest_of_code, codes), self.of(None, found)]))


def _loaded(code: CodeType) -> Iterator[str]:
    """Yield the strings that may be names of templates which some code loads."""
    for each in codes_in(code):
        if not _LOADING.isdisjoint(each.co_names):
            for constant in each.co_consts:
                several = constant if isinstance(constant, tuple) else (constant,)
                yield from (name for name in several if isinstance(name, str))


class Lineage(NamedTuple):
    """Be a template and those that it extends, up to the layout."""

    templates: tuple[Template, ...]
    is_whole: bool
    """Whether it ends with one that extends none, as far as can be known."""


def lineages(
    environment: Environment, page: str, below: tuple[Template, ...] = ()
) -> list[Lineage]:
    """Return all lineages that a template may have, where a condition chooses one."""
    template = environment.get_template(page, below[-1].name if below else None)
    if template in below:
        return [Lineage(below, is_whole=True)]
    line = (*below, template)
    if environment.loader is None or template.name is None:
        return [Lineage(line, is_whole=True)]
    extends = [*_tree(environment, template.name).find_all(nodes.Extends)]
    found = [] if extends else [Lineage(line, is_whole=True)]
    for each in extends:
        names = _may_be(each.template)
        if not names:
            found.append(Lineage(line, is_whole=False))
        for name in names:
            with suppress(TemplateNotFound):
                found += lineages(environment, name, line)
    return found or [Lineage(line, is_whole=False)]


def _tree(environment: Environment, name: str) -> nodes.Template:
    assert environment.loader is not None  # it has loaded the template
    try:
        source = environment.loader.get_source(environment, name)[0]
    except RuntimeError as error:
        raise FragmentError(
            f"The source of {name!r} cannot be had, so what it extends is unknown: "
            f"{error}."
        ) from error
    return environment.parse(source, name)


def _may_be(expression: nodes.Expr) -> list[str]:
    """Return the names that an expression chooses from; none if they are not said."""
    if isinstance(expression, nodes.CondExpr) and expression.expr2 is not None:
        names = [_may_be(expression.expr1), _may_be(expression.expr2)]
        return [each for them in names for each in them] if all(names) else []
    value = expression.value if isinstance(expression, nodes.Const) else None
    return [value] if isinstance(value, str) else []


def _options(environment: Environment, name: str) -> str:
    """Return what of an environment decides what a template's source means."""
    escaping: Any = environment.autoescape
    if callable(escaping):
        escaping = escaping(name)
    return repr((bool(escaping), *(getattr(environment, each) for each in _MEANING)))


def functions_of(template: Template) -> list[FunctionType]:
    """Return the functions that a template was compiled to."""
    root: Any = template.root_render_func
    return [root, *template.blocks.values()]


def tags_of(template: Template) -> list[Tag]:
    """Return the tags of a loaded template, in no order, each once."""
    return list(
        {
            Tag._make(constant): None
            for function in functions_of(template)
            for code in codes_in(function.__code__)
            for constant in code.co_consts
            if isinstance(constant, tuple) and constant[:1] == (MARK,)
        }
    )
