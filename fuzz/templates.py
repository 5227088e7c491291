"""The tags of templates: what is written in them, and what they are given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from jinja2 import Environment, TemplateError, Undefined
from mako.cache import CacheImpl, register_plugin
from mako.exceptions import MakoException
from mako.runtime import UNDEFINED
from mako.template import Template
from markupsafe import Markup

from dogpile_cache import make_region
from dogpile_cache.exception import DogpileCacheException
from dogpile_templates.mako import register

_REGION = make_region().configure(
    "dogpile.cache.memory", arguments={"max_entries": 100}
)
REGIONS = {"r": _REGION}
BODY = "body"
OWN = (DogpileCacheException, TemplateError, MakoException)
"""The errors that a template may give."""


def _environment(**options: Any) -> Any:
    environment: Any = Environment(**options)
    ours = {n: f for n, f in environment.filters.items() if n.startswith("dogpile")}
    environment.filters = {**ours, "default": environment.filters["default"]}
    environment.globals = {"f": lambda *args, **kw: args or kw or True}
    return environment


ENVIRONMENT = _environment(extensions=["dogpile_templates.jinja2.CacheExtension"])
ENVIRONMENT.cache_regions = REGIONS
PLAIN = _environment()

# -- what is written in a tag of Jinja2

_TOKENS = [
    '"r"', "r", ",", "key=", "when=", "name=", "expiration_time=", "x", "1", "1.5", '"a"',
    "(", ")", "[", "]", "{", "}", ":", "|", "default", "in", "if", "else", "item", ".", "=",
    "not", "is", "-", "+", "~", "/", "none", "true", "==", " ", "'", "\\", "%}", "{%",
    "-%}", "for", "endcache", "\n", "nan", "caller", "loop", "self",
]  # fmt: skip
_texts = st.text(max_size=10)
tags: st.SearchStrategy[str] = (
    st.lists(st.sampled_from(_TOKENS), max_size=10).map(" ".join) | _texts
)


def check_tag(text: str) -> None:
    """Compile and render the tags with a text in them.

    Of what Jinja2 itself makes of the text as the arguments of a call, all is allowed.
    """
    if "*" in text:  # a power may take for ever
        return
    head, end, rest = text.partition("%}")
    plain = f"{{% if f({head}\n) %}}{rest}{end}{BODY}{{% endif %}}"
    for tag in ("cache", "cacheeach"):
        source = f"{{% {tag} {text} %}}{BODY}{{% end{tag} %}}"
        _allowed(partial(_render, ENVIRONMENT, source), partial(_render_plain, plain))


def _render(environment: Any, source: str) -> str:
    found: str = environment.from_string(source).render(x=1, item=2, items=[1, 2])
    return found


def _render_plain(source: str) -> str:
    [*PLAIN.lexer.tokenize(source)]  # as the tag has it done, before it is parsed
    return _render(PLAIN, source)


def _allowed(ours: Callable[[], Any], plain: Callable[[], Any]) -> None:
    """Raise an error unless it is our own, the template's, or the engine's in any case."""
    try:
        ours()
    except OWN as error:
        assert str(error)
    except RecursionError:  # the engine parses as deep as Python goes, and no deeper
        return
    except Exception as error:
        if not (_is_of_template(error) or _fails(plain, type(error))):
            raise


def _is_of_template(error: BaseException) -> bool:
    """Tell whether an expression in the template raised it, such as ``1/0``."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_filename == "<template>"


def _fails(work: Callable[[], Any], kind: type[Exception]) -> bool:
    try:
        work()
    except Exception as error:
        return isinstance(error, kind)
    return False


# -- what a tag is given

_simple = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.binary(max_size=8)
    | st.timedeltas()
    | st.text(max_size=5).map(Markup)
    | st.sampled_from(
        [10**400, -(10**400), float("nan"), -1, "r", _REGION, REGIONS, object()]
    )
    | st.sampled_from([timedelta.max, int, print, ...])
    | st.builds(Undefined, name=st.just("u"))
    | st.builds(lambda: UNDEFINED)
)
values: st.SearchStrategy[Any] = st.recursive(
    _simple,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
arguments: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "region": st.just("r") | values,
        "part": values | st.just(5000).map(lambda digits: 10**digits),
        "lifetime": st.none() | values,
        "when": st.just(True) | values,
    }
)
_ONE = ENVIRONMENT.from_string(
    "{% cache region, part, expiration_time=lifetime, when=when %}body{% endcache %}"
)
_EACH = ENVIRONMENT.from_string(
    "{% cacheeach region, item in [part], key=item, expiration_time=lifetime, when=when %}"
    "body{% endcacheeach %}"
)


def check_arguments(given: dict[str, Any]) -> None:
    """Render tags that are given some values."""
    for template in (_ONE, _EACH):
        try:
            assert template.render(given) == BODY
        except OWN as error:
            assert str(error)


# -- Mako

register()


class _Rendering(CacheImpl):  # type: ignore[misc]  # Mako comes without types
    """Keep nothing: what fails with this one, too, is not of ours."""

    def get_or_create(self, key: Any, creation_function: Any, **kw: Any) -> Any:
        return creation_function()


register_plugin("fuzz.plain", __name__, "_Rendering")

_numbers = st.text("0123456789.-+_ eE", max_size=6)  # Mako evaluates it
_names = st.sampled_from(["key", "region", "timeout", "expiration_time", "x"])
mako: st.SearchStrategy[tuple[dict[str, str], dict[str, Any]]] = st.tuples(
    st.dictionaries(_names, _texts | _numbers, max_size=3), arguments
)
_MAKO = Template(
    '<%page cached="True" cache_key="${part}" cache_region="${region}" '
    'cache_expiration_time="${lifetime}"/>body',
    cache_impl="dogpile.cache",
    cache_args={"regions": REGIONS},
)


def check_mako(given: tuple[dict[str, str], dict[str, Any]]) -> None:
    """Render pages of Mako with some ``cache_...`` arguments: texts, and values."""
    texts, passed = given
    try:
        assert _MAKO.render(**passed) == BODY
    except OWN as error:
        assert str(error)
    if any("${" in text or '"' in text or "<" in text for text in texts.values()):
        return  # it would be code, or the end of the argument
    written = {**texts}
    if "timeout" in written and not set(written["timeout"]) <= {*"0123456789.-+_ eE"}:
        del written["timeout"]
    attributes = "".join(f' cache_{name}="{text}"' for name, text in written.items())
    source = f'<%page cached="True"{attributes}/>{BODY}'
    _allowed(
        lambda: _page(source, "dogpile.cache", {"regions": REGIONS, "region": "r"}),
        lambda: _page(source, "fuzz.plain", {}),
    )


def _page(source: str, impl: str, cache_args: dict[str, Any]) -> str:
    template = Template(source, cache_impl=impl, cache_args=cache_args)
    found: str = template.render()
    return found
