"""What Jinja2's tags ``cache`` and ``cacheeach`` become: nodes that a template is made of.

A tag becomes a macro of its body, and a filter that is given the macro and renders it
if need be.  A filter is called directly, which spares a third of what a call in a
template takes, and what a filter block renders is neither escaped nor finalized.  A
filter block renders outside of the blocks of a child template, too, where nothing is to
appear; so where there may be a parent, a condition is put around it.

In front of a ``cacheeach`` tag's body a loop collects the items with their keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.visitor import NodeTransformer

from .fragments import digest
from .jinja2_render import EACH, ITEMS, NOTE, ONE
from .jinja2_scopes import References
from .jinja2_tags import ArgumentParser, Tag

_BODY, _ITEMS, _TAG = "_cached", "_cached_items", "_cached_tag"  # in the template
_CALLING = (nodes.Call, nodes.Include, nodes.Import, nodes.FromImport)
_OF_MACROS = {"caller", "varargs", "kwargs"}
_NO_FRAMES = {"if", "for", "with", "autoescape", "filter"}  # of their own


class TagNodes:
    """Make the nodes of one tag.

    :param tag: ``cache`` or ``cacheeach``.
    """

    def __init__(self, parser: Parser, tag: str, lineno: int) -> None:
        self._parser = parser
        self._tag = tag
        self._lineno = lineno
        self.arguments = ArgumentParser(parser, tag, lineno).parse()
        *around, _own = parser._tag_stack
        self._around = {*around}
        self._is_at_root = _NO_FRAMES.issuperset(around)
        self.body = self._parse_body()
        self.names = {each.name for each in self._find(nodes.Name)}
        self.calls = bool([*self._find(_CALLING)])
        self.digest = digest(repr((self._target, self.body)))  # which shows no lines
        self._shows_blocks = any(map(_shows_blocks, self.body))
        own = _OF_MACROS if self.arguments.loop is None else {*_OF_MACROS, "loop"}
        own = own - self._assigned() - ({"loop"} & {*self._targets})
        names = _OwnNames(own)
        self.body = names.visit_all(self.body)
        self.special = sorted((names.found & _OF_MACROS) - {*self._targets})
        if names.leaves:
            parser.fail(f"The body of a {tag} tag cannot be left by a break.", lineno)

    def shows(self, references: References) -> dict[str, bool]:
        """Return what the tag may show of other templates, and of its caller.

        Where a template has macros, what is called may be one that shows a block.
        """
        words, tags = references.words, references.tags
        in_macro = not {"macro", "call"}.isdisjoint(self._around)
        handed = (
            "caller" in self.special
            or (  # to the template by one that includes it
                "super" in self.names and "block" not in self._around
            )
        )
        shows_macros = self.calls and (in_macro or handed)
        through_macros = self.calls and (tags >= {"macro", "block"} or "super" in words)
        return {
            "shows_blocks": self._shows_blocks or "self" in words or through_macros,
            "shows_caller": shows_macros and "caller" in words,
            "shows_macros": shows_macros,
            "own_escaping": "autoescape" in words,
        }

    @property
    def _target(self) -> nodes.Node | None:
        loop = self.arguments.loop
        return None if loop is None else loop.target

    def _parse_body(self) -> list[nodes.Node]:
        end, loop = f"name:end{self._tag}", self.arguments.loop
        if loop is None:
            return self._parser.parse_statements((end,), drop_needle=True)
        body = self._parser.parse_statements((end, "name:else"))
        if next(self._parser.stream).value == "else":
            loop.else_ = self._parser.parse_statements((end,), drop_needle=True)
        return body

    def make(self, tag: Tag, references: References) -> list[nodes.Node]:
        """Return the nodes.

        The tag itself stands in its body's code, where a template cannot forge it.
        """
        noted = nodes.Assign(nodes.Name(_TAG, "store"), nodes.Const(tuple(tag)))
        self.body = [noted, *self.body]
        if tag.own_escaping:  # this is Markup where the compiler escapes
            self.arguments.options["escaped"] = nodes.TemplateData("")
        loop = self.arguments.loop
        made = self._one() if loop is None else self._each(loop)
        filter: Any = made.pop()
        filter.set_lineno(self._lineno)
        block: nodes.Node = nodes.FilterBlock([], filter)
        if references.extends and self._is_at_root:
            block = nodes.If(nodes.Not(_parent_template()), [block], [], [])
        return [node.set_lineno(self._lineno) for node in (*made, block)]

    def _find(self, kinds: Any) -> Iterator[Any]:
        for node in self.body:
            if isinstance(node, kinds):
                yield node
            yield from node.find_all(kinds)

    def _assigned(self) -> set[str]:
        """Return the names that the body, or its loop, gives a meaning of its own."""
        kinds = (
            nodes.Assign,
            nodes.AssignBlock,
        )  # those of inner scopes are known there
        targets = (
            target for node in self._find(kinds) for target in _names(node.target)
        )
        stored = {target.name for target in targets}
        for node in self._find((nodes.Import, nodes.FromImport)):
            bound = [node.target] if isinstance(node, nodes.Import) else node.names
            stored.update(each if isinstance(each, str) else each[1] for each in bound)
        return stored

    @property
    def _targets(self) -> list[str]:
        """The names that the loop of a collection assigns to."""
        return [] if self._target is None else [n.name for n in _names(self._target)]

    def _one(self) -> list[nodes.Node]:
        parts = nodes.Tuple(self.arguments.parts, "load")
        return [self._macro([]), self._filter(ONE, parts)]

    def _each(self, loop: nodes.For) -> list[nodes.Node]:
        target, [key] = loop.target, self.arguments.parts
        names = [name.name for name in _names(target)]
        items = nodes.Name(_ITEMS, "load")
        values = nodes.Tuple([nodes.Name(name, "load") for name in names], "load")
        note = nodes.Filter(items, NOTE, [key, _loaded(target), values], [], None, None)
        none_yet = nodes.Filter(nodes.Const(None), ITEMS, [], [], None, None)
        loop.body = [nodes.ExprStmt(note)]
        return [
            nodes.Assign(nodes.Name(_ITEMS, "store"), none_yet),
            loop,
            self._macro([*map(_parameter, names), _own_name("loop")]),
            self._filter(EACH, items),
        ]

    def _macro(self, names: list[str]) -> nodes.Macro:
        parameters = [*names, *map(_own_name, self.special)]
        named = [nodes.Name(name, "param") for name in parameters]
        return nodes.Macro(_BODY, named, [], self.body)

    def _filter(self, name: str, given: nodes.Expr) -> nodes.Filter:
        region = self.arguments.region or nodes.Const(None)
        keywords = self.arguments.keywords
        if self.special:
            pairs = [
                nodes.Pair(nodes.Const(_own_name(each)), nodes.Name(each, "load"))
                for each in self.special
            ]
            keywords.append(nodes.Keyword("outer", nodes.Dict(pairs)))
        arguments = [region, given]
        body = nodes.Name(_BODY, "load")
        return nodes.Filter(body, name, arguments, keywords, None, None)


def _parent_template() -> nodes.Expr:
    """Return what a template's code calls its parent, which is None if there is none."""
    name = object.__new__(nodes.InternalName)  # as Parser.free_identifier() makes one
    nodes.Node.__init__(name, "parent_template")
    return name


def _shows_blocks(node: nodes.Node) -> bool:
    """Tell whether a node shows what a child template may override."""
    shown = [node, *node.find_all((nodes.Block, nodes.Name))]
    return any(
        isinstance(each, nodes.Block)
        or (isinstance(each, nodes.Name) and each.name in ("self", "super"))
        for each in shown
    )


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


def _parameter(name: str) -> str:
    """Return what the parameter for a variable of a loop is called."""
    return _own_name(name) if name in _OF_MACROS else name


def _own_name(name: str) -> str:
    return f"_cached_{name}"


class _OwnNames(NodeTransformer):
    """Give special names of what is around a body names that its macro can be given.

    Of its own accord a macro has a ``caller``, ``varargs`` and ``kwargs`` of its own; and
    a parameter of the name ``loop`` would hide the loop around from the rest of it.
    """

    def __init__(self, names: set[str], in_loop: bool = False) -> None:
        self._own = names
        self._in_loop = in_loop
        self.found: set[str] = set()
        self.leaves = False
        """Whether there is a ``break`` or ``continue`` out of the body."""

    def visit_all(self, body: list[nodes.Node]) -> list[nodes.Node]:
        """Return the nodes of a body."""
        return [self.visit(node) for node in body]

    def visit_Name(self, node: nodes.Name) -> nodes.Name:  # noqa: N802  # Jinja's rule
        if node.name not in self._own or node.ctx != "load":
            return node
        self.found.add(node.name)
        return nodes.Name(_own_name(node.name), "load", lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        node.iter = self.visit(node.iter)
        node.test = node.test and self.visit(node.test)
        node.else_ = self.visit_all(node.else_)
        theirs = {"loop", *(name.name for name in _names(node.target))}
        node.body = self._visit_inner(node.body, theirs, in_loop=True)
        return node

    def visit_With(self, node: nodes.With) -> nodes.With:  # noqa: N802
        node.values = [self.visit(value) for value in node.values]
        theirs = {name.name for target in node.targets for name in _names(target)}
        node.body = self._visit_inner(node.body, theirs, in_loop=self._in_loop)
        return node

    def visit_Macro(self, node: Any) -> Any:  # noqa: N802
        node.defaults = self.visit_all(node.defaults)
        node.body = self._visit_inner(node.body, _OF_MACROS, in_loop=False)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> Any:  # noqa: N802
        node.call = self.visit(node.call)
        return self.visit_Macro(node)

    def visit_Break(self, node: nodes.Node) -> nodes.Node:  # noqa: N802
        self.leaves = self.leaves or not self._in_loop
        return node

    visit_Continue = visit_Break  # noqa: N815

    def _visit_inner(
        self, body: list[nodes.Node], theirs: set[str], in_loop: bool
    ) -> list[nodes.Node]:
        inner = _OwnNames(self._own - theirs, in_loop)
        visited = inner.visit_all(body)
        self.found |= inner.found
        self.leaves = self.leaves or inner.leaves
        return visited
