"""What Jinja2's tags ``cache`` and ``cacheeach`` become: nodes that a template is made of.

A tag becomes a macro of its body, and a filter that is given the macro and renders it
if need be.  A filter is called directly, which spares a third of what a call in a
template takes, and what a filter block renders is not escaped.  A filter block renders
outside of the blocks of a child template, too, where nothing is to appear; so where
there may be a parent, an output takes its place.

In front of a ``cacheeach`` tag's body a loop collects the items with their keys.
"""

from __future__ import annotations

from collections.abc import Iterator

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from .jinja2_render import EACH, NOTE, ONE
from .jinja2_tags import Arguments, Tag

_BODY, _ITEMS, _LOOP = "_cached", "_cached_items", "_cached_loop"  # to the template


class TagNodes:
    """Make the nodes of one tag.

    :param extends: whether the template may extend another one.
    """

    def __init__(
        self,
        tag: Tag,
        arguments: Arguments,
        body: list[nodes.Node],
        lineno: int,
        extends: bool,
    ) -> None:
        self._tag = tag
        self._arguments = arguments
        self._body = body
        self._lineno = lineno
        self._extends = extends

    def make(self) -> list[nodes.Node]:
        """Return the nodes."""
        loop = self._arguments.loop
        made = self._one() if loop is None else self._each(loop)
        return [node.set_lineno(self._lineno) for node in made]

    def _one(self) -> list[nodes.Node]:
        parts = nodes.Tuple(self._arguments.parts, "load")
        return [nodes.Macro(_BODY, [], [], self._body), self._filtered(ONE, parts)]

    def _each(self, loop: nodes.For) -> list[nodes.Node]:
        target, [key] = loop.target, self._arguments.parts
        names = [name.name for name in _names(target)]
        items = nodes.Name(_ITEMS, "load")
        values = nodes.Tuple([nodes.Name(name, "load") for name in names], "load")
        note = nodes.Filter(items, NOTE, [key, _loaded(target), values], [], None, None)
        loop.body = [nodes.ExprStmt(note)]
        parameters: list[nodes.Name] = [
            nodes.Name(name, "param") for name in (*names, _LOOP)
        ]
        body = [_OwnLoop().visit(node) for node in self._body]
        return [
            nodes.Assign(nodes.Name(_ITEMS, "store"), nodes.List([])),
            loop,
            nodes.Macro(_BODY, parameters, [], body),
            self._filtered(EACH, items),
        ]

    def _filtered(self, name: str, given: nodes.Expr) -> nodes.Node:
        region = self._arguments.region or nodes.Const(None)
        keywords = self._arguments.keywords
        if self._tag.shows_caller:
            keywords.append(nodes.Keyword("outer", nodes.Name("caller", "load")))
        arguments = [nodes.Const(tuple(self._tag)), region, given]
        body = nodes.Name(_BODY, "load")
        filter = nodes.Filter(body, name, arguments, keywords, None, None)
        filter.set_lineno(self._lineno)
        if self._extends:
            return nodes.Output([nodes.MarkSafeIfAutoescape(filter)])
        return nodes.FilterBlock([], filter)


def _names(target: nodes.Node) -> Iterator[nodes.Name]:
    """Yield the names that the target of a loop assigns to."""
    if isinstance(target, nodes.Name):
        yield target
    else:
        yield from target.find_all(nodes.Name)


def _loaded(target: nodes.Node) -> nodes.Expr:
    """Return the expression that gives what a target was assigned."""
    if isinstance(target, nodes.Tuple):
        return nodes.Tuple([_loaded(item) for item in target.items], "load")
    assert isinstance(target, nodes.Name)  # there are no other targets in a loop
    return nodes.Name(target.name, "load")


class _OwnLoop(NodeTransformer):
    """Give the ``loop`` of a body another name.

    A parameter of the name ``loop`` would hide the loop around from the rest of it.
    """

    def visit_Name(self, node: nodes.Name) -> nodes.Name:  # noqa: N802  # Jinja's rule
        if node.name == "loop" and node.ctx == "load":
            return nodes.Name(_LOOP, "load", lineno=node.lineno)
        return node

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        """Leave the body of an inner loop alone: it has a loop of its own."""
        node.iter = self.visit(node.iter)
        node.else_ = [self.visit(each) for each in node.else_]
        return node
