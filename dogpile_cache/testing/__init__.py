"""Tools for the tests of those who use the cache, and of those who write backends.

A backend's author derives a test class from :class:`BackendContract` and has the same
assurance that the backends of this package have::

    class TestMyBackend(BackendContract):
        backend = "my.backend"
        arguments = {"url": "..."}

It is made for pytest and needs nothing from it.
"""

from .clock import SettableClock
from .contract import BackendContract

__all__ = ["BackendContract", "SettableClock"]
