"""What Mako templates refer to, followed and made digests of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from mako.exceptions import MakoException
from mako.lexer import Lexer
from mako.parsetree import IncludeTag, InheritTag, NamespaceTag

from dogpile_cache.typed import encode

from .fragments import digest
from .sources import Source, digest_of_references

_REFERRING = (IncludeTag, InheritTag, NamespaceTag)


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
    if source is not None:
        for preprocess in _preprocessors(template):
            version = preprocess(version)
    filters = [*(template.default_filters or ())], [*(template.buffer_filters or ())]
    references, inherits = _references(template, source)
    return TemplateSource(
        name, digest(encode((version, filters))), references, inherits
    )


def _preprocessors(template: Any) -> list[Any]:
    given: Any = template.preprocessor or ()
    return [given] if callable(given) else [*given]


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
            load(lookup, uri) is template for uri, template in self._found
        )

    def _find(self, reference: str, referrer: str | None) -> Source | None:
        lookup = self._template.lookup
        if lookup is None:
            return None
        uri = lookup.adjust_uri(reference, referrer)
        template = load(lookup, uri)
        self._found.append((uri, template))  # or that it is missing
        if template is None:
            return None
        source = source_of(template)
        return Source(uri, _called(uri), source.digest, source.references)


def _called(uri: str) -> str:
    """Return what a template is called in keys: a lookup takes "x" and "/x" for one."""
    return uri.lstrip("/")


def load(lookup: Any, uri: str) -> Any:
    """Return a template of a lookup, or None."""
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


def lineage_of(namespace: Any) -> Iterator[Any]:
    """Yield the templates that inherit, from the page that is rendered."""
    while namespace is not None:
        yield namespace.template
        namespace = namespace.inherits


def digest_of_templates(templates: Iterable[Any]) -> str:
    """Return a digest of some templates, in their order."""
    return digest("".join(version_of(template).current() for template in templates))


def ancestry(template: Any) -> Iterator[Any]:
    """Yield a template and those that it inherits from, as far as they can be known."""
    seen: set[str] = set()
    while template is not None and template.uri not in seen:
        yield template
        seen.add(template.uri)
        inherits, lookup = source_of(template).inherits, template.lookup
        if inherits is None or lookup is None:
            return
        template = load(lookup, lookup.adjust_uri(inherits, template.uri))
