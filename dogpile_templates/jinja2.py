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
from typing import Any

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, Macro

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
from .jinja2_sources import References, Versions, ancestry, references_of, tags_of
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
            if not self.tags.isdisjoint(other.tags):
                raise FragmentError(
                    f"The extension {other.identifier} has the tag 'cache' already; an "
                    "environment can have but one of the two."
                )
        environment.extend(**dict.fromkeys(SETTINGS))
        if environment.cache_regions is None:  # type: ignore[attr-defined]  # just set
            environment.cache_regions = {}  # type: ignore[attr-defined]
        environment.filters.update(FILTERS)
        self._versions = Versions(environment)
        self._compiling = threading.local()
        self.of_parent: dict[str, Any] = {}  # what an overlay was made with

    def bind(self, environment: Environment) -> CacheExtension:
        """Return the extension for an overlay, which may load other templates."""
        bound = super().bind(environment)
        bound._versions = Versions(environment)
        bound.of_parent = {name: getattr(environment, name) for name in SETTINGS}
        return bound

    def preprocess(
        self, source: str, name: str | None, filename: str | None = None
    ) -> str:
        """Take note of the source; what follows in this thread is its parsing."""
        self._compiling.source, self._compiling.references = source, None
        return source

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Parse one tag, up to its end."""
        token = next(parser.stream)
        kind, lineno = token.value, token.lineno
        if parser.environment.is_async:
            parser.fail(f"The {kind} tag does not work with enable_async=True.", lineno)
        parsed = TagNodes(parser, kind, lineno)
        references = self._references(parser)
        called = name_in_keys(self.environment, parser.name)
        place = ("jinja2", kind, parsed.digest)
        tag = Tag(
            MARK,
            identity(called, self._compiling.digest, place),
            parser.name,
            references.names,
            shows_blocks=parsed.shows_blocks or references.mentions_self,
            shows_caller="caller" in parsed.special,
            name=parsed.arguments.name,
            region=parsed.arguments.region_name,
        )
        return parsed.make(tag, references.extends)

    def _references(self, parser: Parser) -> References:
        """Return what the template refers to; look for it at the first tag."""
        compiling = self._compiling
        if compiling.references is None:
            compiling.references = references_of(parser.environment, compiling.source)
            compiling.digest = digest(compiling.source)
        found: References = compiling.references
        return found

    def identity(
        self,
        tag: tuple[Any, ...],
        escaping: bool,
        shown: Context | str,
        outer: Any = None,
    ) -> str:
        """Return what tells the fragments of a tag from those of all others.

        :param escaping: whether autoescape is on.
        :param shown: the context of a rendering, or the name of the page rendered.
        :param outer: what the body has of the macro around it, by its own names.
        """
        _, own, template, references, shows_blocks, shows_caller, _, _ = tag
        identity = f"{own}+" if escaping else f"{own}-"
        if references:
            identity += self._versions.of(template, references)
        if shows_blocks:
            identity += self._versions.of_blocks(shown)
        caller = outer["_cached_caller"] if shows_caller and outer else None
        if isinstance(caller, Macro):
            identity += self._versions.of_function(caller._func)
        return identity


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
    tags = {tag: None for each in ancestry(environment, page) for tag in tags_of(each)}
    chosen = [tag for tag in tags if name is None or tag.name == name]
    if not chosen:
        names = ", ".join(sorted(repr(tag.name) for tag in tags if tag.name))
        raise FragmentError(
            f"The template {page!r} has no cache tag"
            + (f" of the name {name!r}; it has {names or 'none'}." if name else ".")
        )
    told = next((tag for tag in chosen if tag.shows_caller), None)
    if told is not None:
        raise FragmentError(
            f"The tag {told.name!r} of {told.template!r} shows what the caller of its "
            "macro says, so its keys cannot be told."
        )
    regions = setting(environment, "cache_regions") or {}
    default = setting(environment, "cache_default_region")
    keys = [
        (
            regions.get(tag.region) if tag.region else None,
            fragment_key(extension.identity(tag, escaping, page), parts),
        )
        for tag in chosen
        for escaping in (False, True)
    ]
    return Found(regions, all_regions(regions, default), keys)
