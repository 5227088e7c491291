"""Jinja2: ``{% cache region, part, part... %} ... {% endcache %}``.

::

    env = Environment(extensions=["dogpile_templates.jinja2.CacheExtension"])
    env.cache_regions = {"short": region}

    {% cache "short", "sidebar", user.id, expiration_time=60 %} ... {% endcache %}
    {% cacheeach "short", item in items, key=item.id %} ... {% endcacheeach %}

What can be known when a template is compiled, most of the identity of each tag, is
written into its code as a constant, so templates from a bytecode cache have it, too.  A
digest of the tag's body belongs to it: two tags that were given the same parts and say
different things are two fragments, two that say the same are one.  What the templates
say that it refers to is looked up when the tag is first rendered.
"""

from __future__ import annotations

import threading
from itertools import product
from typing import Any

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.lexer import TokenStream
from jinja2.parser import Parser
from jinja2.runtime import Context

from .fragments import (
    Found,
    FragmentError,
    all_regions,
    digest,
    fragment_key,
    identity,
)
from .jinja2_nodes import TagNodes
from .jinja2_render import FILTERS, SETTINGS, name_in_keys, setting
from .jinja2_scopes import Names, References, references_of
from .jinja2_shown import Shown
from .jinja2_sources import Lineage, Versions, lineages, tags_of
from .jinja2_tags import MARK, Tag

__all__ = ["CacheExtension", "find_fragments"]


class CacheExtension(Extension):
    """Give an environment the tags ``cache`` and ``cacheeach``.

    The first argument is a region or the name of one; a bare name that the template
    does not know is taken as such a name.  Any number of key parts follow, and these:

    - ``key``: the one key part there is, for a tag that leaves the region to
      ``cache_default_region``;
    - ``expiration_time``: the lifetime in seconds, in place of the region's;
    - ``when``: false, render, and neither read nor write;
    - ``name``: a constant, to speak of this tag from Python.

    The environment gets four attributes, which overlays share unless they set their
    own: ``cache_regions``, a mapping of names to regions; ``cache_default_region``, a
    name or a region; ``cache_bypass``, a function that is given the context of a
    rendering and tells whether it is to neither read nor write; and ``cache_name``, a
    function from the name of a template to the one that stands in keys, where a loader
    has several names for one template.
    """

    tags = {"cache", "cacheeach"}  # noqa: RUF012  # as Jinja has it
    priority = 1000  # so that no extension that comes later takes the tags over

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        for other in getattr(environment, "extensions", {}).values():
            if other.identifier == self.identifier:
                continue  # it is given to this environment a second time
            if not self.tags.isdisjoint(other.tags):
                raise FragmentError(
                    f"The extension {other.identifier} has the tag 'cache' already; an "
                    "environment can have but one of the two."
                )
        environment.extend(**dict.fromkeys(SETTINGS))
        if environment.cache_regions is None:  # type: ignore[attr-defined]  # just set
            environment.cache_regions = {}  # type: ignore[attr-defined]
        environment.filters.update(FILTERS)
        self._compiling = threading.local()
        self.of_parent: dict[str, Any] = {}  # what an overlay was made with
        self._look_into(environment)

    def _look_into(self, environment: Environment) -> None:
        self._versions = Versions(environment)
        self._shown = Shown(self._versions.of_template)

    def bind(self, environment: Environment) -> CacheExtension:
        """Return the extension for an overlay, which may load other templates."""
        bound = super().bind(environment)
        bound._look_into(environment)
        bound.of_parent = {name: getattr(environment, name) for name in SETTINGS}
        return bound

    def preprocess(
        self, source: str, name: str | None, filename: str | None = None
    ) -> str:
        """Take note of the source, of which a stream of tokens is made next."""
        self._compiling.source = source
        return source

    def filter_stream(self, stream: TokenStream) -> TokenStream:
        """Take note of the stream, by which the tags find their source."""
        stream.dogpile_source = _Source(self._compiling.source)  # type: ignore[attr-defined]
        return stream

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Parse one tag, up to its end."""
        token = next(parser.stream)
        kind, lineno = token.value, token.lineno
        source: Any = getattr(parser.stream, "dogpile_source", None)
        if source is None:  # another extension has put a stream in place of ours
            source = _Source(self._compiling.source)
            parser.stream.dogpile_source = source  # type: ignore[attr-defined]
        references, scope = source.of_next_tag(parser.environment)
        parsed = TagNodes(parser, kind, lineno)
        tag = self._tag(parser, kind, parsed, source, scope)
        return parsed.make(tag, references)

    def _tag(
        self, parser: Parser, kind: str, parsed: TagNodes, source: _Source, scope: Names
    ) -> Tag:
        called = name_in_keys(self.environment, parser.name)
        # what is called may use all names there are
        known = scope.keys() if parsed.calls else scope.keys() & parsed.names
        local = [f"{name} {scope[name]}" for name in sorted(known)]
        place = ("jinja2", kind, parsed.digest, *local)
        return Tag(
            MARK,
            identity(called, source.digest, place),
            parser.name,
            source.references.names,
            **parsed.shows(source.references),
            name=parsed.arguments.name,
            region=parsed.arguments.region_name,
        )

    def identity(
        self,
        tag: Tag,
        escaping: tuple[bool, bool],
        shown: Context | Lineage,
        body: Any = None,
        outer: dict[str, Any] | None = None,
    ) -> str:
        """Return what tells the fragments of a tag from those of all others.

        :param escaping: whether autoescape is on, and was when the body was compiled.
        :param shown: the context of a rendering, or the lineage of a page.
        :param body: the macro of the body, where it is rendered.
        :param outer: what the body has of the macro around it, by its own names.
        """
        identity = f"{tag.own}+" if escaping[0] else f"{tag.own}-"
        if tag.own_escaping:
            identity += "+" if escaping[1] else "-"
        if tag.references:
            identity += self._versions.of(tag.template, tag.references)
        if tag.shows_blocks:
            digests = self._versions if isinstance(shown, Lineage) else self._shown
            identity += digests.of_blocks(shown)  # type: ignore[arg-type]
        if tag.shows_macros and body is not None:
            identity += self._shown.of_body(body, outer, deep=tag.shows_caller)
        return identity if len(identity) <= 124 else digest(identity)


class _Source:
    """Be the source of a template while it is compiled."""

    references: References

    def __init__(self, text: str) -> None:
        self._text = text
        self._tags = 0

    def of_next_tag(self, environment: Environment) -> tuple[References, Names]:
        """Return what the template refers to, and what the names around a tag mean."""
        if not self._tags:  # most templates have none
            self.references = references_of(environment, self._text)
            self.digest = digest(self._text)
        self._tags += 1
        scopes = self.references.scopes
        return self.references, scopes[self._tags - 1] if self._tags <= len(
            scopes
        ) else {}


def find_fragments(
    environment: Environment, page: str, parts: tuple[Any, ...], name: str | None
) -> Found:
    """Return where the fragments of a page are kept; see ``fragment_keys``."""
    extension = environment.extensions.get(CacheExtension.identifier)
    if not isinstance(extension, CacheExtension):
        raise FragmentError(
            "The environment has no cache tag; it needs extensions="
            f"[{CacheExtension.identifier!r}]."
        )
    lines = lineages(environment, page)
    tags = {
        tag: None for line in lines for each in line.templates for tag in tags_of(each)
    }
    chosen = [tag for tag in tags if name is None or tag.name == name]
    if not chosen:
        names = ", ".join(sorted(repr(tag.name) for tag in tags if tag.name))
        raise FragmentError(
            f"The template {page!r} has no cache tag"
            + (f" of the name {name!r}; it has {names or 'none'}." if name else ".")
        )
    for tag in chosen:
        _check_known(tag, lines)
    regions = setting(environment, "cache_regions") or {}
    default = setting(environment, "cache_default_region")
    keys = {
        (
            regions.get(tag.region) if tag.region else None,
            fragment_key(extension.identity(tag, (now, compiled), line), parts),
        ): None
        for tag in chosen
        for now, compiled in product((False, True), repeat=2)
        for line in lines
    }
    return Found(regions, all_regions(regions, default), list(keys))


def _check_known(tag: Tag, lines: list[Lineage]) -> None:
    """Raise a FragmentError if the keys of a tag are known but when it is rendered."""
    if tag.shows_caller:
        raise FragmentError(
            f"The tag {tag.name!r} of {tag.template!r} shows what the caller of its "
            "macro says, so its keys cannot be told."
        )
    if tag.shows_blocks and not all(line.is_whole for line in lines):
        raise FragmentError(
            f"The tag {tag.name!r} of {tag.template!r} shows a block, and what the page "
            "extends is chosen when it is rendered, so its keys cannot be told."
        )
