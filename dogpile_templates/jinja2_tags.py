"""The syntax of Jinja2's tags ``cache`` and ``cacheeach``: what is written in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from jinja2 import nodes
from jinja2.parser import Parser

from dogpile_cache.exception import ValidationError
from dogpile_cache.freshness import seconds

MARK = "dogpile_templates"
_OPTIONS = ("key", "expiration_time", "when", "name")


class Tag(NamedTuple):
    """Be what is known of a tag when its template is compiled.

    It is written into the template's code as a tuple, so a bytecode cache keeps it.
    """

    mark: str
    own: str
    """Tells the tag's fragments from those of all other tags; see ``identity``."""

    template: str | None
    references: tuple[str, ...]
    shows_blocks: bool
    """Whether it shows blocks, which a child template may override."""

    shows_caller: bool
    """Whether it may show what the caller of its macro says."""

    shows_macros: bool
    """Whether it may show macros that are known but when it is rendered."""

    own_escaping: bool
    """Whether it may have been compiled with another escaping than it is rendered with."""

    name: str | None
    region: str | None
    """The name of its region, where that is no expression."""


@dataclass
class Arguments:
    """Be what stands in a tag, as expressions."""

    region: nodes.Expr | None = None
    parts: list[nodes.Expr] = field(default_factory=list)
    options: dict[str, nodes.Expr] = field(default_factory=dict)
    name: str | None = None
    loop: nodes.For | None = None

    @property
    def bare(self) -> str | None:
        """The region's name where it is a bare one, which may be a variable, too."""
        return self.region.name if isinstance(self.region, nodes.Name) else None

    @property
    def region_name(self) -> str | None:
        constant = isinstance(self.region, nodes.Const)
        return self.region.value if constant else self.bare  # type: ignore[union-attr]

    @property
    def keywords(self) -> list[nodes.Keyword]:
        """The options that are given to the function that renders the tag."""
        given = {**self.options}
        if self.bare is not None:
            given["bare"] = nodes.Const(self.bare)
        return [nodes.Keyword(name, value) for name, value in given.items()]


class ArgumentParser:
    """Parse the arguments of one tag.

    :param tag: ``cache`` or ``cacheeach``.
    """

    def __init__(self, parser: Parser, tag: str, lineno: int) -> None:
        self._parser = parser
        self._stream = parser.stream
        self._tag = tag
        self._lineno = lineno
        self._arguments = Arguments()

    def parse(self) -> Arguments:
        """Parse all arguments, up to the end of the tag."""
        first = True
        while not self._stream.current.test("block_end"):
            if not first and not self._stream.skip_if("comma"):
                self._fail(f"The arguments of the {self._tag} tag need commas between.")
            self._parse_one(first)
            first = False
        self._check()
        return self._arguments

    def _parse_one(self, first: bool) -> None:
        arguments, stream = self._arguments, self._stream
        if stream.current.test("name") and stream.look().test("assign"):
            self._parse_option()
        elif arguments.options or arguments.name:
            self._fail(f"The {self._tag} tag takes its options last.")
        elif self._tag == "cacheeach" and not (first and self._names_region()):
            self._parse_loop()
        elif first:
            arguments.region = self._parser.parse_expression()
        else:
            arguments.parts.append(self._parser.parse_expression())

    def _names_region(self) -> bool:
        """Tell whether the region comes first, and not the loop's target."""
        current, following = self._stream.current, self._stream.look()
        return not (current.test("lparen") or following.test("name:in"))

    def _parse_loop(self) -> None:
        if self._arguments.loop is not None:
            self._fail("The cacheeach tag takes key= after its loop, and no key parts.")
        target = self._parser.parse_assign_target(extra_end_rules=("name:in",))
        self._stream.expect("name:in")
        items = self._parser.parse_expression(with_condexpr=False)
        test = (
            self._parser.parse_expression() if self._stream.skip_if("name:if") else None
        )
        self._arguments.loop = nodes.For(target, items, [], [], test, False)

    def _parse_option(self) -> None:
        option = next(self._stream).value
        if option not in _OPTIONS or option in self._arguments.options:
            self._fail(
                f"The {self._tag} tag does not take {option}= here; it takes "
                f"{', '.join(f'{each}=' for each in _OPTIONS)}, once each."
            )
        next(self._stream)
        value = self._parser.parse_expression()
        if option == "name":
            self._arguments.name = self._constant_name(value)
        else:
            self._arguments.options[option] = value

    def _constant_name(self, value: nodes.Expr) -> str:
        name = value.value if isinstance(value, nodes.Const) else None
        if not isinstance(name, str):
            self._fail(f"The name= of a {self._tag} tag is a constant string.")
        return name

    def _check(self) -> None:
        """Have the mistakes that can be seen now not wait until the rendering."""
        arguments = self._arguments
        region = arguments.region
        if isinstance(region, nodes.Literal):
            try:
                given = region.as_const(nodes.EvalContext(self._parser.environment))
            except nodes.Impossible:
                given = None
            if not isinstance(given, str):
                self._fail(
                    f"The first argument of the {self._tag} tag is {given!r}; it is the "
                    "name of a region."
                )
        lifetime = arguments.options.get("expiration_time", nodes.Const(None))
        try:
            seconds(lifetime.as_const(nodes.EvalContext(self._parser.environment)))
        except nodes.Impossible:
            pass
        except ValidationError as error:
            self._fail(str(error))
        key = arguments.options.pop("key", None)
        if self._tag == "cacheeach" and (key is None or arguments.loop is None):
            self._fail(
                "The cacheeach tag needs a loop and a key: "
                '{% cacheeach "region", item in items, key=item.id %}.'
            )
        if key is not None:
            if arguments.parts:
                self._fail("The cache tag takes key parts or key=, not both.")
            arguments.parts = [key]

    def _fail(self, message: str) -> NoReturn:
        self._parser.fail(message, self._lineno)
