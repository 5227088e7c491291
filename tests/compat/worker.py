"""A process that uses one of the two packages as another process tells it to.

It is run with the import root to use, and with the top-level packages that it must not
find; it reads requests from its standard input and answers on its standard output.
"""

from __future__ import annotations

import importlib
import json
import pickle
import sys
import threading
import warnings
from typing import Any

ROOT = sys.argv[1]


class Hidden:
    """Make packages look as if they were not installed."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.split(".")[0] in sys.argv[2:]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class Creation:
    """Be a get_or_create in a thread, which waits in its creator if it is told to."""

    def __init__(self, region: Any, key: str, value: Any, paused: bool) -> None:
        self.calls = 0
        self.result: Any = None
        self._value = value
        self._reached = threading.Event()  # the creator, or the lock
        self._may_end = threading.Event()
        if not paused:
            self._may_end.set()
        region.wrap(announcing(self._reached, paused))
        self._thread = threading.Thread(target=self._run, args=(region, key))
        self._thread.start()
        if not self._reached.wait(20):
            raise TimeoutError("neither the creator nor the lock was reached")

    def _run(self, region: Any, key: str) -> None:
        self.result = region.get_or_create(key, self._create)

    def _create(self) -> Any:
        self.calls += 1
        self._reached.set()
        if not self._may_end.wait(20):
            raise TimeoutError("nobody let the creation end")
        return self._value

    def end(self) -> tuple[Any, int]:
        self._may_end.set()
        self._thread.join(20)
        return self.result, self.calls


def announcing(reached: threading.Event, paused: bool) -> Any:
    """Return a proxy that tells when its lock is asked for, unless told not to."""
    proxy = importlib.import_module(f"{ROOT}.proxy")

    class Announcing(proxy.ProxyBackend):  # type: ignore[name-defined,misc]
        def get_mutex(self, key: Any) -> Any:
            if not paused:
                reached.set()
            return self.proxied.get_mutex(key)

    return Announcing()


class Worker:
    """Do what is asked for; each public method is a request."""

    def __init__(self) -> None:
        self._package = importlib.import_module(ROOT)
        self._regions: dict[str, Any] = {}
        self._creations: dict[str, Creation] = {}
        self._held: dict[str, Any] = {}

    def configure(
        self, name: str, backend: str, arguments: dict[str, Any], **options: Any
    ) -> None:
        lifetime = options.pop("expiration_time", None)
        if options.pop("json", False):
            options["serializer"] = lambda value: json.dumps(value).encode()
            options["deserializer"] = json.loads
        if "mangler" in options:
            util = importlib.import_module(f"{ROOT}.util")
            sha1 = util.sha1_mangle_key
            conditional = util.length_conditional_mangler(12, sha1)
            manglers = {"sha1": sha1, "conditional": conditional, "none": False}
            options["key_mangler"] = manglers[options.pop("mangler")]
        region = self._package.make_region(**options)
        self._regions[name] = region.configure(
            backend, expiration_time=lifetime, arguments=arguments
        )

    def call(self, name: str, method: str, *args: Any, **kw: Any) -> Any:
        """Call a method of a region; NO_VALUE comes back as a string."""
        answer = getattr(self._regions[name], method)(*args, **kw)
        return self._shown(answer)

    def _shown(self, answer: Any) -> Any:
        if isinstance(answer, list):
            return [self._shown(item) for item in answer]
        api = importlib.import_module(f"{ROOT}.api")
        return "NO_VALUE" if answer is api.NO_VALUE else answer

    def create(self, name: str, key: str, value: Any) -> Any:
        return self._regions[name].get_or_create(key, lambda: value)

    def age(self, name: str, key: str) -> float:
        age: float = self._regions[name].get_value_metadata(key).age
        return age

    def begin(self, name: str, key: str, value: Any, paused: bool) -> None:
        self._creations[key] = Creation(self._regions[name], key, value, paused)

    def end(self, key: str) -> tuple[Any, int]:
        return self._creations.pop(key).end()

    def acquire(self, name: str, key: str) -> bool:
        region = self._regions[name]
        mutex = region.backend.get_mutex(key)
        acquired = bool(mutex.acquire(False))
        if acquired:
            self._held[key] = mutex
        return acquired

    def release(self, key: str) -> None:
        self._held.pop(key).release()

    def keys(self, case: str) -> Any:
        from tests.compat import key_cases

        return key_cases.CASES[case](ROOT)

    def cache_dict(self, name: str) -> dict[str, Any]:
        """Return what a region in memory keeps."""
        kept: dict[str, Any] = self._regions[name].backend._cache
        return kept


def main() -> None:
    sys.meta_path.insert(0, Hidden())
    warnings.filterwarnings("ignore", ".*is a dbm.dumb file", RuntimeWarning)
    worker, requests, answers = Worker(), sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            name, args, kwargs = pickle.load(requests)
        except EOFError:
            return
        try:
            answer = (True, getattr(worker, name)(*args, **kwargs))
        except Exception as error:
            answer = (False, f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
