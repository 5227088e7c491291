"""What Mako templates refer to, what their cached defs show, and where those are.

Mako compiles a template to a module, and a cached def to two functions: one that
renders, and a wrapper of the same name that asks the cache, with a lambda that calls
the first one.  What a def shows beyond its own template, the blocks of the template
that inherits from it or the body of its caller, is seen by the names in its code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from mako.exceptions import MakoException
from mako.lexer import Lexer
from mako.parsetree import IncludeTag, InheritTag, NamespaceTag

from dogpile_cache.typed import encode

from .fragments import digest
from .sources import Source, digest_of_code, digest_of_references

_REFERRING = (IncludeTag, InheritTag, NamespaceTag)
_INHERITED = {"self", "next", "parent"}


class TemplateSource(NamedTuple):
    """Be what is known of a loaded template."""

    name: str | None
    digest: str
    references: tuple[str, ...]
    inherits: str | None


_known: WeakKeyDictionary[Any, TemplateSource] = WeakKeyDictionary()


def source_of(template: Any) -> TemplateSource:
    """Return what is known of a template, which is looked at once."""
    if template not in _known:
        _known[template] = _look(template)
    return _known[template]


def _look(template: Any) -> TemplateSource:
    """Read the source that a template was made of.

    Should the file have changed since it was loaded, its code is of another source,
    which is gone: then the time of loading stands for it, lest old output be kept as
    that of the new source.
    """
    name, source = template.uri, _text(template)
    if name.startswith("memory:0x"):
        name = None  # it is an address, which is used again
    version = template.last_modified if source is None else source
    filters = [*(template.default_filters or ())], [*(template.buffer_filters or ())]
    references, inherits = _references(template, source)
    return TemplateSource(
        name, digest(encode((version, filters))), references, inherits
    )


def _text(template: Any) -> str | None:
    try:
        # Template.source is that of the latest template of this uri, in any lookup
        source: str = getattr(template, "_mmarker", template).source
        if (
            template.filename
            and os.path.getmtime(template.filename) > template.last_modified
        ):
            return None
    except OSError:  # the file is gone
        return None
    return source


def _references(
    template: Any, source: str | None
) -> tuple[tuple[str, ...], str | None]:
    if source is None:
        return (), None
    lexer = Lexer(source, template.filename, preprocessor=template.preprocessor)
    files, inherits = [], None
    try:
        for node in _nodes(lexer.parse().nodes):
            file = node.attributes.get("file")
            if file and "${" not in file:
                files.append(file)
                inherits = file if isinstance(node, InheritTag) else inherits
    except MakoException:  # cannot be, since it was compiled
        pass
    return tuple(files), inherits


def _nodes(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        if isinstance(node, _REFERRING):
            yield node
        yield from _nodes(getattr(node, "nodes", ()))


class Version:
    """Know the digest of a template and of all that it refers to.

    It is made once, and again when the lookup has loaded one of them anew.
    """

    def __init__(self, template: Any) -> None:
        self._template = template
        self._own = source_of(template)
        self._digest: str | None = None
        self._found: list[tuple[str, Any]] = []

    @property
    def is_fixed(self) -> bool:
        """Whether the digest stays what it is while the template is loaded."""
        return not self._own.references

    def current(self) -> str:
        """Return the digest."""
        if self._digest is None or (self._found and not self._is_up_to_date()):
            self._found = []
            references = self._own.references
            followed = digest_of_references(references, self._own.name, self._find)
            called = self._own.name and _called(self._own.name)
            self._digest = digest(encode((called, self._own.digest, followed)))
        return self._digest

    def _is_up_to_date(self) -> bool:
        lookup = self._template.lookup
        return not lookup.filesystem_checks or all(
            _load(lookup, uri) is template for uri, template in self._found
        )

    def _find(self, reference: str, referrer: str | None) -> Source | None:
        lookup = self._template.lookup
        if lookup is None:
            return None
        uri = lookup.adjust_uri(reference, referrer)
        template = _load(lookup, uri)
        self._found.append((uri, template))  # or that it is missing
        if template is None:
            return None
        source = source_of(template)
        return Source(uri, _called(uri), source.digest, source.references)


def _called(uri: str) -> str:
    """Return what a template is called in keys: a lookup takes "x" and "/x" for one."""
    return uri.lstrip("/")


def _load(lookup: Any, uri: str) -> Any:
    try:
        return lookup.get_template(uri)
    except (MakoException, OSError):  # it is missing, or wrong
        return None


_versions: WeakKeyDictionary[Any, Version] = WeakKeyDictionary()


def version_of(template: Any) -> Version:
    """Return what knows the digest of a template and of all that it refers to."""
    if template not in _versions:
        _versions[template] = Version(template)
    return _versions[template]


class Place(NamedTuple):
    """Be a cached def, block or page within its template."""

    path: str
    """The qualified name of its function."""

    shows_inherited: bool
    """Whether it shows what a template that inherits may override."""

    shows_caller: bool

    @property
    def default_key(self) -> str:
        """The key that Mako takes where ``cache_key`` is not given."""
        return self.path.rpartition(".")[2]

    @property
    def name(self) -> str:
        """The name of the def or block; that of a page is ``body``."""
        return self.default_key.removeprefix("render_")


def places_of(module: Any) -> list[Place]:
    """Return the cached defs of a template's module."""
    functions = {
        name: value.__code__
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    }
    paths = {
        path for code in functions.values() for path in _caching(code, code.co_name)
    }
    return [_place(path, functions) for path in sorted(paths)]


def _caching(code: CodeType, path: str) -> Iterator[str]:
    for inner in code.co_consts:
        if not isinstance(inner, CodeType):
            continue
        if inner.co_name != "<lambda>":
            yield from _caching(inner, f"{path}.<locals>.{inner.co_name}")
        elif f"__M_{code.co_name}" in inner.co_names + inner.co_freevars:
            yield path


def _place(path: str, functions: dict[str, CodeType]) -> Place:
    outer, *inner = path.split(".<locals>.")
    codes = [functions[name] for name in (f"__M_{outer}", outer) if name in functions]
    for name in inner:
        codes = [c for code in codes for c in _inner(code) if c.co_name == name]
    shown = _mentioned(codes, functions, set())
    return Place(path, not shown.isdisjoint(_INHERITED), "caller" in shown)


def _mentioned(
    codes: Iterable[CodeType], functions: dict[str, CodeType], seen: set[CodeType]
) -> set[str]:
    """Return the strings in some code, and in the functions that it may call."""
    found: set[str] = set()
    for code in codes:
        if code not in seen:
            seen.add(code)
            found.update(each for each in code.co_consts if isinstance(each, str))
            called = [
                functions[known]
                for name in code.co_names
                for known in (name, f"__M_{name}")
                if known in functions
            ]
            found |= _mentioned([*_inner(code), *called], functions, seen)
    return found


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def lineage_of(namespace: Any) -> Iterator[Any]:
    """Yield the templates that inherit, from the page that is rendered."""
    while namespace is not None:
        yield namespace.template
        namespace = namespace.inherits


def digest_of_templates(templates: Iterable[Any]) -> str:
    """Return a digest of some templates, in their order."""
    return digest("".join(version_of(template).current() for template in templates))


def digest_of_caller(caller: Any) -> str:
    """Return a digest of what a caller has the def that it calls show."""
    functions: dict[str, Callable[..., Any]] = getattr(caller, "callables", None) or {}
    shown = {
        name: (
            function.__globals__.get("_template_uri"),
            digest_of_code(function.__code__),
        )
        for name, function in functions.items()
        if isinstance(function, FunctionType)
    }
    return digest(encode(shown))


def ancestry(template: Any) -> Iterator[Any]:
    """Yield a template and those that it inherits from, as far as they can be known."""
    seen: set[str] = set()
    while template is not None and template.uri not in seen:
        yield template
        seen.add(template.uri)
        inherits, lookup = source_of(template).inherits, template.lookup
        if inherits is None or lookup is None:
            return
        template = _load(lookup, lookup.adjust_uri(inherits, template.uri))
