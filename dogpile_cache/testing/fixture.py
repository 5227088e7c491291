"""What every part of the contract stands on: a backend, its regions and its keys."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from dogpile_cache.api import NO_VALUE
from dogpile_cache.region import CacheRegion


class Fixture:
    """Make regions over the backend under test, and keys for them."""

    backend: str
    """The name of the backend."""

    arguments: Mapping[str, Any] = {}
    """What the backend is configured with; a fixture may set it, too."""

    keeps: bool = True
    """False for a backend that keeps nothing, such as the null backend."""

    locks: bool = False
    """True for a backend whose ``get_mutex`` returns locks."""

    def make_region(self, **options: Any) -> CacheRegion:
        """Return a new region over the backend; options are those of the region."""
        expiration_time = options.pop("expiration_time", None)
        wrap = options.pop("wrap", ())
        return CacheRegion(**options).configure(
            self.backend,
            expiration_time=expiration_time,
            arguments=self.arguments,
            wrap=wrap,
        )

    def key(self) -> str:
        """Return a key that nobody has used."""
        return f"contract:{uuid.uuid4()}"

    def kept(self, value: Any) -> Any:
        """Return what is found after a value was set."""
        return value if self.keeps else NO_VALUE
