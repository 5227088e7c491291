"""Which templates a fragment of Mako depends on, and whose text it shows."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mako.lookup import TemplateLookup
from mako.template import Template

from dogpile_templates import FragmentInItself, invalidate_fragment

from .engines import Regions, mako_options

CACHED = '<%def name="x()" cached="True" cache_region="short">{}</%def>${{x()}}'


def lookup_of(regions: Regions, sources: dict[str, str], **kw: Any) -> TemplateLookup:
    """Return a lookup as a process has it that has just been started."""
    lookup = TemplateLookup(**mako_options(regions), **kw)
    for name, source in sources.items():
        lookup.put_string(name, source)
    return lookup


def render(regions: Regions, sources: dict[str, str], page: str, **context: Any) -> str:
    template = lookup_of(regions, sources).get_template(page)
    return str(template.render(**context)).strip()


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("", '<%include file="part"/>'),
        ('<%namespace name="part" file="part"/>', "${part.text()}"),
        ('<%namespace file="part" import="text"/>', "${text()}"),
        ('<%inherit file="part"/>', "${parent.text()}"),
        ("", '<%include file="between"/>'),
        ("", '<%include file="cycle"/>'),
    ],
)
def test_a_change_of_a_template_that_it_refers_to_changes_a_fragment(
    regions: Regions, head: str, body: str
) -> None:
    part = '<%def name="text()">{}</%def>{}'
    for version in ("old", "new", "old"):
        shown = "${next.body()}" if "inherit" in head else version
        sources = {
            "page": head + CACHED.format(body),
            "between": '<%include file="part"/>',
            "cycle": '<%include file="part"/>\n'
            '% if False:\n<%include file="page"/>\n% endif',
            "part": part.format(version, shown),
        }
        assert render(regions, sources, "page") == version


def test_a_reference_that_is_missing_or_dynamic_counts_as_absent(
    regions: Regions,
) -> None:
    body = '\n% if False:\n<%include file="gone"/>\n% endif\n<%include file="${name}"/>'
    sources = {"page": CACHED.format(body), "other": "x"}
    assert render(regions, sources, "page", name="other") == "x"


def test_a_part_that_is_loaded_anew_is_seen_by_the_page_that_is_not(
    regions: Regions, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    part.write_text("old")
    (tmp_path / "page").write_text(CACHED.format('<%include file="part"/>'))
    lookup = TemplateLookup([str(tmp_path)], **mako_options(regions))
    page = lookup.get_template("page")
    assert page.render() == "old"
    part.write_text("new")
    later = os.stat(part).st_mtime + 10
    os.utime(part, (later, later))
    assert page.render() == "new"


@pytest.mark.parametrize("cached", ["def", "page"])
def test_what_one_child_shows_is_not_served_to_another(
    regions: Regions, cached: str
) -> None:
    bases = {
        "def": CACHED.format("${self.title()} ${help()}")
        + '<%def name="help()">${next.body()}</%def>',
        "page": '<%page cached="True" cache_region="short"/>${self.title()} '
        '<%block name="text"></%block>${next.body()}',
    }
    child = (
        '<%inherit file="base"/><%def name="title()">TITLE NAME</%def>BODY NAME'
        '<%block name="text">BLOCK NAME</%block>'
    )
    sources = {name: child.replace("NAME", name) for name in ("one", "two")}
    sources["base"] = bases[cached]
    for _ in range(2):
        for name in ("one", "two"):
            view = render(regions, sources, name)
            assert f"TITLE {name}" in view
            assert f"BODY {name}" in view


def test_children_share_what_shows_nothing_of_theirs(regions: Regions) -> None:
    child = '<%inherit file="base"/>'
    base = CACHED.format("${n()}") + "${next.body()}"
    n = count(1)
    sources = {"base": base, "one": child + "one", "two": child + "two"}
    views = [render(regions, sources, p, n=lambda: next(n)) for p in ("one", "two")]
    assert views == ["1one", "1two"]


def test_what_callers_say_in_a_cached_def_is_theirs(regions: Regions) -> None:
    sources = {
        "lib": '<%def name="box()" cached="True" cache_region="short">'
        "<${caller.body()}></%def>",
        "page": '<%namespace name="lib" file="lib"/>'
        "<%lib:box>one</%lib:box><%lib:box>two</%lib:box><%lib:box>one</%lib:box>",
    }
    for _ in range(2):
        assert render(regions, sources, "page") == "<one><two><one>"


def test_a_fragment_in_itself_is_an_error_that_says_so(regions: Regions) -> None:
    sources = {"page": CACHED.format('<%include file="page"/>')}
    with pytest.raises(
        FragmentInItself, match="'page' is to be rendered inside itself"
    ):
        render(regions, sources, "page")


def test_a_bypass_neither_reads_nor_writes(regions: Regions) -> None:
    options = mako_options(regions)
    options["cache_args"] |= {"bypass": lambda context: context["preview"]}
    template = Template(CACHED.format("${n}"), **options)
    views = [template.render(n=n, preview=n % 2 == 0) for n in range(4)]
    assert views == ["0", "1", "2", "1"]


def test_keys_of_any_kind_are_told_apart(regions: Regions) -> None:
    source = CACHED.format("${n}").replace('short"', 'short" cache_key="${k}"')
    template = Template(source, **mako_options(regions))
    keys: list[Any] = [1, "1", (1,), None, "a b\n\0é" * 100, b"1", 1.0, {"a": 1}]
    for _ in range(2):
        views = [template.render(k=key, n=n) for n, key in enumerate(keys)]
        assert views == [str(n) for n in range(len(keys))]


def test_a_module_directory_changes_no_key(regions: Regions, tmp_path: Path) -> None:
    (tmp_path / "page").write_text(CACHED.format("${n}"))
    for n in range(3):
        directory = None if n == 0 else str(tmp_path / "modules")
        lookup = TemplateLookup(
            [str(tmp_path)], module_directory=directory, **mako_options(regions)
        )
        assert lookup.get_template("page").render(n=n) == "0"


def test_a_part_that_was_missing_is_noticed_when_it_is_there(
    regions: Regions, tmp_path: Path
) -> None:
    (tmp_path / "page").write_text(
        CACHED.format("\n% if shown:\n" + '<%include file="part"/>' + "\n% endif\n.")
    )
    lookup = TemplateLookup([str(tmp_path)], **mako_options(regions))
    page = lookup.get_template("page")
    assert page.render(shown=False).split() == ["."]
    (tmp_path / "part").write_text("part")
    assert page.render(shown=True).split() == ["part", "."]


def test_a_page_is_one_template_with_and_without_a_slash(
    regions: Regions, tmp_path: Path
) -> None:
    (tmp_path / "part").write_text(CACHED.format("${n()}"))
    (tmp_path / "around").write_text('<%include file="/part"/>')
    lookup = TemplateLookup([str(tmp_path)], **mako_options(regions))
    numbers = count(1)
    render = lambda page: lookup.get_template(page).render(n=lambda: next(numbers))
    assert [render(page) for page in ("around", "/part", "part")] == ["1"] * 3
    for page in ("part", "/part"):
        before = int(render("around"))
        invalidate_fragment(lookup, page)
        assert [render(p) for p in ("around", "/part", "part")] == [str(before + 1)] * 3
