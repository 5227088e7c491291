"""What every backend promises: its values and its serializers.

Creations and locks are in :mod:`dogpile_cache.testing.creations`.
"""

from __future__ import annotations

import json
from typing import Any

from dogpile_cache.api import NO_VALUE, CantDeserializeException

from .clock import SettableClock
from .creations import CreationContract

VALUES = [
    *(None, False, 0, "", b"", 1.5, "\u00e9t\u00e9 \u2603", b"\x00|{"),
    *({"a": [1, (2, None)]}, "x" * 10**6),
]


class BackendContract(CreationContract):
    """Test what a backend promises; derive from it and set :attr:`backend`.

    Keys are new in each test, so the store need not be empty.  A test that asks for what
    a backend cannot give is set to None in the derived class.
    """

    def test_nothing_is_found_where_nothing_was_set(self) -> None:
        region, key = self.make_region(), self.key()
        assert region.get(key) is NO_VALUE
        assert region.get_value_metadata(key) is None
        assert region.get_multi([key, self.key()]) == [NO_VALUE, NO_VALUE]

    def test_what_was_set_is_found(self) -> None:
        region = self.make_region()
        for value in VALUES:
            key = self.key()
            region.set(key, value)
            assert region.get(key) == self.kept(value)

    def test_what_is_set_last_counts(self) -> None:
        region, key = self.make_region(), self.key()
        region.set(key, 1)
        region.set(key, "two")
        assert region.get(key) == self.kept("two")

    def test_what_was_deleted_is_gone_and_may_be_deleted_again(self) -> None:
        region, key = self.make_region(), self.key()
        region.set(key, 1)
        for _ in range(2):
            region.delete(key)
            assert region.get(key) is NO_VALUE

    def test_many_values_keep_their_order(self) -> None:
        region = self.make_region()
        keys = [self.key() for _ in range(5)]
        region.set_multi({key: i for i, key in enumerate(keys) if i != 2})
        expected = [self.kept(i) if i != 2 else NO_VALUE for i in range(5)]
        assert region.get_multi(keys) == expected
        assert region.get_multi(reversed(keys)) == expected[::-1]
        assert region.get_multi([keys[0], keys[0]]) == [self.kept(0)] * 2
        assert region.get_multi(key for key in keys) == expected

    def test_many_values_are_deleted_at_once(self) -> None:
        region = self.make_region()
        keys = [self.key() for _ in range(3)]
        region.set_multi(dict.fromkeys(keys, 1))
        region.delete_multi(key for key in keys[:2])
        region.delete_multi(keys[:2])
        assert region.get_multi(keys) == [NO_VALUE, NO_VALUE, self.kept(1)]

    def test_no_keys_are_no_error(self) -> None:
        region = self.make_region()
        region.set_multi({})
        region.delete_multi([])
        assert region.get_multi([]) == []
        assert region.get_or_create_multi([], lambda *keys: list(keys)) == []

    def test_keys_of_any_length_and_alphabet_are_told_apart(self) -> None:
        region, base = self.make_region(), self.key()
        tails = ["", " ", " a", "\n", "\r\nset x 0 0 1\r\n1\r\n", "é", "☃", "x" * 300]
        keys = [base + tail for tail in [*tails, "x" * 299 + "y"]]
        for i, key in enumerate(keys):
            region.set(key, i)
        assert region.get_multi(keys) == [self.kept(i) for i in range(len(keys))]

    def test_the_arguments_are_left_as_they_were(self) -> None:
        before = dict(self.arguments)
        self.make_region().get(self.key())
        assert dict(self.arguments) == before

    def test_values_expire(self) -> None:
        clock = SettableClock()
        region, key = self.make_region(expiration_time=10, clock=clock), self.key()
        region.set(key, 1)
        clock.move(9.5)
        assert region.get(key) == self.kept(1)
        clock.move(1)
        assert region.get(key) is NO_VALUE
        assert region.get(key, ignore_expiration=True) == self.kept(1)
        assert region.get(key, expiration_time=-1) == self.kept(1)

    def test_a_serializer_of_the_region_is_used(self) -> None:
        region = self.make_region(
            serializer=lambda value: json.dumps(value).encode(), deserializer=json.loads
        )
        key = self.key()
        region.set(key, {"a": [1, None]})
        assert region.get(key) == self.kept({"a": [1, None]})
        region.set_multi({key: (1, 2)})
        assert region.get_multi([key]) == [self.kept([1, 2])]

    def test_what_cannot_be_deserialized_is_created_anew(self) -> None:
        def refuse(data: bytes) -> Any:
            raise CantDeserializeException

        key, plain = self.key(), self.make_region(serializer=repr_bytes)
        plain.set(key, 1)
        region = self.make_region(serializer=repr_bytes, deserializer=refuse)
        assert region.get(key) is NO_VALUE
        assert region.get_or_create(key, lambda: 2) == 2

    def test_what_is_malformed_is_a_miss(self) -> None:
        region = self.make_region(serializer=repr_bytes, deserializer=json.loads)
        key = self.key()
        for data in [b"", b"|", b"{}|", b'{"ct": 1, "v": 2}', b'{"ct": 1, "v": 2}|{']:
            region.backend.set_serialized(region._store.mangle(key), data)
            assert region.get(key) is NO_VALUE
            assert region.get_multi([key]) == [NO_VALUE]
        assert region.get_or_create(key, lambda: 2) == 2


def repr_bytes(value: object) -> bytes:
    """Serialize a value that nobody needs to read."""
    return repr(value).encode()
