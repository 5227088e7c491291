"""Fragments in fragments: a circle is an error, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from itertools import count
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment
from mako.template import Template

from dogpile_cache.testing import SettableClock
from dogpile_templates.fragments import FragmentInItself
from tests.unit.threads import Call, eventually

from .engines import Regions, jinja2_environment, mako_options

ROOT = Path(__file__).parents[2]
CARDS = (
    '{% macro cards(list) %}{% cacheeach "short", i in list, key=i %}{{ i }}'
    "{% if i == 1 %}({{ cards([2]) }}){% endif %}{% endcacheeach %}{% endmacro %}"
    "{{ cards(list) }}"
)


@pytest.fixture
def env(regions: Regions) -> Environment:
    return jinja2_environment(regions)


def view(env: Environment, source: str, **context: Any) -> str:
    return env.from_string(source).render(context)


def test_an_item_may_show_another_item_of_its_collection(env: Environment) -> None:
    for _ in range(2):
        assert view(env, CARDS, list=[1, 2]) == "1(2)2"


def test_a_collection_whose_item_shows_itself_is_an_error(env: Environment) -> None:
    source = CARDS.replace("[2]", "[1]")
    with pytest.raises(FragmentInItself, match="inside itself"):
        view(env, source, list=[1, 2])
    assert view(env, CARDS, list=[1, 2]) == "1(2)2"


NESTED = (
    "{% macro m(depth) %}{% cache 'short' %}[{{ value }}{% if depth %}"
    "{{ m(depth - 1) }}{% endif %}]{% endcache %}{% endmacro %}{{ m(depth) }}"
)


def test_a_stale_fragment_in_itself_is_an_error_too(
    env: Environment, clock: SettableClock
) -> None:
    assert view(env, NESTED, depth=0, value=1) == "[1]"
    clock.move(11)
    with pytest.raises(FragmentInItself):
        view(env, NESTED, depth=1, value=2)


def test_a_stale_def_in_itself_is_an_error_too(
    regions: Regions, clock: SettableClock
) -> None:
    template = Template(
        '<%def name="x(depth)" cached="True" cache_region="short" cache_key="k">'
        "[${value}${x(depth - 1) if depth else ''}]</%def>${x(depth)}",
        **mako_options(regions),
    )
    assert template.render(depth=0, value=1) == "[1]"
    clock.move(11)
    with pytest.raises(FragmentInItself):
        template.render(depth=1, value=2)


def test_two_threads_that_would_wait_for_each_other_both_go_on(
    env: Environment,
) -> None:
    """Each renders one fragment, and shows the one that the other renders."""
    template = env.from_string(
        "{% macro m(this, that) %}{% cache 'short', this %}{{ this }}{{ met(this) }}"
        "{% if that %}{{ m(that, '') }}{% endif %}{% endcache %}{% endmacro %}"
        "{{ m(this, that) }}"
    )
    barrier, numbers = threading.Barrier(2), count()

    def meet(name: str) -> str:
        if next(numbers) < 2:
            barrier.wait(10)
        return ""

    calls = [
        Call(lambda a=a, b=b: template.render(this=a, that=b, met=meet))
        for a, b in ("ab", "ba")
    ]
    eventually(lambda: all(call.has_ended for call in calls))
    assert calls[0].result() in ("ab", "aba")  # with the other's own, or not
    assert calls[1].result() in ("ba", "bab")


IN_A_CIRCLE = """
import os, sys
from multiprocessing.connection import Client
from dogpile_cache import make_region
from dogpile_templates import fragments
from tests.templates.engines import jinja2_environment
fragments.LONGEST_WAIT = 0.2
url, run, this, that, port = sys.argv[1:]
arguments = {"url": url, "distributed_lock": True}
region = make_region().configure("dogpile.cache.redis", arguments=arguments)
with Client(("127.0.0.1", int(port))) as others:
    def meet(name):
        if name == this:
            others.send(name)
            others.recv()
        return ""
    page = (
        "{% macro item(name, other) %}{% cache 'short', run, name %}{{ name }}"
        "{{ meet(name) }}{% if other %}({{ item(other, '') }}){% endif %}{% endcache %}"
        "{% endmacro %}{{ item(this, that) }}"
    )
    env = jinja2_environment({"short": region})
    print(env.from_string(page).render(run=run, this=this, that=that, meet=meet))
"""


@pytest.mark.server
def test_two_processes_that_would_wait_for_each_other_both_go_on(
    redis_server: Any,
) -> None:
    """Each renders one fragment, and shows the one that the other renders."""
    run = uuid.uuid4().hex
    with Listener(("127.0.0.1", 0)) as listener:
        command = [sys.executable, "-c", IN_A_CIRCLE, redis_server.url, run]
        port = str(listener.address[1])
        processes = [
            subprocess.Popen(
                [*command, this, that, port],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for this, that in ("ab", "ba")
        ]  # fmt: skip
        meeting = [listener.accept() for _ in processes]
        for connection in meeting:
            connection.recv()  # both are in the middle of their fragment
        for connection in meeting:
            connection.send("go on")
        told = [process.communicate(timeout=30) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert told[0][0].strip() in ("a(b)", "a(b(a))")
    assert told[1][0].strip() in ("b(a)", "b(a(b))")
