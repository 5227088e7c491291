"""The strings of unusual values: told apart, or refused."""

from __future__ import annotations

import collections
import dataclasses
import typing
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from dogpile_cache.exception import UnstableArgument
from dogpile_cache.typed import encode


class Shown:
    """Be an object of any repr."""

    def __init__(self, show: Callable[[Any], str]) -> None:
        self.show = show

    def __repr__(self) -> str:
        return self.show(self)


@dataclasses.dataclass
class Box:
    content: Any


def local_class() -> type:
    class Local:
        pass

    return Local


def test_generic_types_differ_from_each_other_and_from_their_class() -> None:
    kinds: list[Any] = [
        list, list[int], list[str], tuple[int, str], tuple[str, int], dict[str, int],
        int | str, int | None, typing.List[int], typing.Any,  # noqa: UP006 - another type
    ]  # fmt: skip
    assert len({encode(kind) for kind in kinds}) == len(kinds)
    assert encode(list[int]) == encode(list[int])


@pytest.mark.parametrize(
    "show",
    [
        lambda cls: cls,
        lambda cls: [cls],
        lambda cls: list[cls],
        lambda cls: cls | None,
        lambda cls: Box(cls),
        lambda cls: collections.deque([cls]),
    ],
    ids=["class", "list", "generic", "union", "dataclass", "deque"],
)
def test_a_class_made_in_a_function_is_refused(show: Callable[[Any], Any]) -> None:
    with pytest.raises(UnstableArgument, match=r"inside a function.*<locals>\.Local"):
        encode(show(local_class()))


def test_an_instance_of_a_class_made_in_a_function_is_known_by_its_repr() -> None:
    @dataclasses.dataclass
    class Inner:
        number: int

    assert encode(Inner(1)) == encode(Inner(1)) != encode(Inner(2))
    assert encode(Box(Inner(1))) == encode(Box(Inner(1))) != encode(Box(Inner(2)))


@pytest.mark.parametrize(
    "value",
    [
        mock.MagicMock(),
        mock.Mock(name="named"),
        Shown(lambda it: f"<Shown {id(it)}>"),
        Shown(lambda it: f"<Shown {id(it):x}>"),
        Shown(lambda it: f"<Shown {id(it):#X}>"),
        Shown(lambda it: f"<Shown object at 0x{id(it):016X}>"),
        Box(object()),
        Box(mock.MagicMock()),
        Box(Shown(lambda it: f"<Shown {id(it):#x}>")),
        collections.deque([lambda: None]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_whose_repr_shows_an_address_is_refused(value: Any) -> None:
    with pytest.raises(UnstableArgument, match="address"):
        encode(value)


@pytest.mark.parametrize(
    "text",
    ["at 0x12", "look at 0xFF", "0xFF8800", "id='17'", "0x" + "ab" * 20, "1234567890"],
)
def test_a_harmless_text_in_a_repr_is_no_address(text: str) -> None:
    assert encode(Box(text)) == encode(Box(text))


def loop(kind: str) -> Any:
    them: list[Any] = [1]
    them.append({"list": them, "tuple": (them,), "dict": {"key": them}}[kind])
    return them


@pytest.mark.parametrize("kind", ["list", "tuple", "dict"])
def test_a_container_that_contains_itself_is_refused(kind: str) -> None:
    with pytest.raises(UnstableArgument, match="contains itself"):
        encode(loop(kind))


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnstableArgument, match="nested too deeply"):
        encode(deep)
    while deep:
        (deep,) = deep  # so that its end needs no recursion
