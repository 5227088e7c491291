"""Jinja2: ``{% cache region, part, part... %} ... {% endcache %}``.

::

    env = Environment(extensions=["dogpile_templates.jinja2.CacheExtension"])
    env.cache_regions = {"short": region}

    {% cache "short", "sidebar", user.id, expiration_time=60 %} ... {% endcache %}

What can be known when a template is compiled, the identity of each tag, is written into
its code as a constant, so templates from a bytecode cache have it, too.  A digest of the
tag's body belongs to it: two tags that were given the same parts and say different
things are two fragments, two that say the same are one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from jinja2 import Environment, Undefined, nodes
from jinja2.exceptions import UndefinedError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup

from dogpile_cache import CacheRegion
from dogpile_cache.base import seconds
from dogpile_cache.exception import ValidationError

from .fragments import digest, find_region, fragment_key, identity

__all__ = ["CacheExtension"]

_SETTING = "env.cache_regions"
_OPTIONS = ("expiration_time",)


class CacheExtension(Extension):
    """Give an environment the tag ``cache``.

    The first argument is a region or the name of one; a bare name that the template
    does not know is taken as such a name.  Any number of key parts follow, and
    ``expiration_time``, in seconds, in place of the region's.

    The regions are those of the attribute ``cache_regions`` of the environment.
    """

    tags = {"cache"}  # noqa: RUF012  # as Jinja has it

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.extend(cache_regions={})
        self._compiling = threading.local()

    def preprocess(
        self, source: str, name: str | None, filename: str | None = None
    ) -> str:
        """Take note of the source; what follows in this thread is its parsing."""
        self._compiling.source = digest(source)
        return source

    def parse(self, parser: Parser) -> nodes.Node:
        """Parse one tag, up to its end."""
        lineno = next(parser.stream).lineno
        if parser.environment.is_async:
            parser.fail("The cache tag does not work with enable_async=True.", lineno)
        given = _parse_arguments(parser, lineno)
        body = parser.parse_statements(("name:endcache",), drop_needle=True)
        if any(_is_of_the_child(node) for node in body):
            parser.fail(
                "A cached fragment cannot hold a block, which child templates may "
                "override; put the cache tag inside the block.",
                lineno,
            )
        place = ("jinja2", digest(repr(body)))  # which shows no lines, no environment
        own = identity(parser.name, self._compiling.source, place)
        bare = given.region.name if isinstance(given.region, nodes.Name) else None
        arguments: list[nodes.Expr] = [
            nodes.ContextReference(),
            nodes.Const(own),
            given.region,
            nodes.Const(bare),
            nodes.Tuple(given.parts, "load"),
            given.expiration_time,
        ]
        call = self.call_method("_render", arguments)
        return nodes.CallBlock(call, [], [], body).set_lineno(lineno)

    def _render(
        self,
        context: Context,
        own: str,
        region: Any,
        bare: str | None,
        parts: tuple[Any, ...],
        expiration_time: Any,
        caller: Callable[[], str],
    ) -> str:
        """Return the output of a tag; called by the compiled template."""
        for part in parts:
            _check_defined(part)
        escaping = context.eval_ctx.autoescape
        text = self._find_region(context.environment, region, bare).get_or_create(
            fragment_key(own, (escaping, *parts)),
            lambda: str(caller()),  # a str, since Markup is not for every serializer
            None if expiration_time is None else seconds(expiration_time),
        )
        return Markup(text) if escaping else text  # noqa: S704  # rendered, so escaped

    def _find_region(
        self, environment: Environment, given: Any, bare: str | None
    ) -> CacheRegion:
        if isinstance(given, Undefined):
            if bare is None:
                _fail_undefined(given, "name a region")
            given = bare
        regions = getattr(environment, "cache_regions", None)
        while not regions and environment.linked_to is not None:
            environment = environment.linked_to  # of which this one is an overlay
            regions = getattr(environment, "cache_regions", None)
        return find_region(regions, given, _SETTING)


class _Arguments(NamedTuple):
    region: nodes.Expr
    parts: list[nodes.Expr]
    expiration_time: nodes.Expr


def _parse_arguments(parser: Parser, lineno: int) -> _Arguments:
    stream = parser.stream
    positional: list[nodes.Expr] = []
    options: dict[str, nodes.Expr] = {}
    while not stream.current.test("block_end"):
        if (positional or options) and not stream.skip_if("comma"):
            parser.fail("The arguments of the cache tag need commas between.", lineno)
        if stream.current.test("name") and stream.look().test("assign"):
            name = next(stream).value
            if name not in _OPTIONS or name in options:
                parser.fail(
                    f"The cache tag does not take {name}= here; it takes "
                    f"{', '.join(_OPTIONS)}, once each, after the key parts.",
                    lineno,
                )
            next(stream)
            options[name] = parser.parse_expression()
        elif options:
            parser.fail("The cache tag takes key parts before its options.", lineno)
        else:
            positional.append(parser.parse_expression())
    if not positional:
        parser.fail('The cache tag needs a region: {% cache "name", key %}.', lineno)
    expiration_time = options.get("expiration_time", nodes.Const(None))
    _check_constants(parser, lineno, positional[0], expiration_time)
    return _Arguments(positional[0], positional[1:], expiration_time)


def _check_constants(
    parser: Parser, lineno: int, region: nodes.Expr, expiration_time: nodes.Expr
) -> None:
    """Have the mistakes that can be seen now not wait until the template is rendered."""
    if isinstance(region, nodes.Const) and not isinstance(region.value, str):
        parser.fail(
            f"The first argument of the cache tag is {region.value!r}; it is the name "
            "of a region.",
            lineno,
        )
    try:
        seconds(expiration_time.as_const(nodes.EvalContext(parser.environment)))
    except nodes.Impossible:
        pass
    except ValidationError as error:
        parser.fail(str(error), lineno)


def _is_of_the_child(node: nodes.Node) -> bool:
    """Tell whether a node holds what a child template may override."""
    if isinstance(node, nodes.Block) or node.find(nodes.Block):
        return True
    return any(name.name == "self" for name in node.find_all(nodes.Name))


def _check_defined(part: Any) -> None:
    """Refuse undefined values, which would all be one."""
    if isinstance(part, Undefined):
        _fail_undefined(part, "be part of a fragment's key")
    if isinstance(part, dict):
        part = [*part, *part.values()]
    if isinstance(part, (list, tuple, set, frozenset)):
        for item in part:
            _check_defined(item)


def _fail_undefined(value: Any, role: str) -> None:
    try:
        value()  # says what is undefined
    except UndefinedError as error:
        raise UndefinedError(
            f"{error}; it cannot {role}.  Where it may be missing, say "
            "what stands for it, as in x|default(none)."
        ) from None
