"""What every backend is, whether its methods are called or awaited."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from .exception import BackendUnavailable, DogpileCacheException

if TYPE_CHECKING:
    from typing_extensions import Self

    from .api import BackendArguments, CacheMutex, Deserializer, KeyType, Serializer
    from .protocols import Clock


class BaseBackend:
    """Be what backends for threads and backends for tasks have in common."""

    key_mangler: Callable[[Any], Any] | None = None
    """Mangles the keys of regions that set no mangler of their own."""

    serializer: Serializer | None = None
    deserializer: Deserializer | None = None

    callers_errors: tuple[type[Exception], ...] = (
        TypeError,
        UnicodeError,
        DogpileCacheException,
    )
    """Errors that are due to a key or a value: a region raises them as they are.

    All others are taken for failures of the backend.  A backend whose client library
    has such errors of its own adds them, in its class or, where the library is imported
    late, in ``__init__``.
    """

    options: ClassVar[Any] = None
    """The names and defaults of the arguments; None when they are not known."""

    is_awaited: ClassVar[bool] = False
    """Whether what its methods return is to be awaited."""

    never_waits: ClassVar[bool] = False
    """Whether regions for tasks may call it without a thread."""

    is_expired: Callable[[Any, Any], bool] | None = None
    """Tells of a key whether what is stored has expired; set by the region."""

    keeps_deadlines: ClassVar[bool] = False
    """Whether it asks when each value expires, by ``deadline_of``."""

    deadline_of: Callable[[Any, Any], float] | None = None
    """Tells of a key and what is stored when that expires; set by the region."""

    region_clock: Clock = time
    """Tells the time by which that is; set by the region."""

    region_name: str | None = None
    """What the region is called; set by it."""

    on_evict: Callable[[Any], None] | None = None
    """Is told of each key that is dropped to make room; set by the region."""

    def __init__(self, arguments: BackendArguments) -> None:
        """Accept the ``arguments`` of ``configure()``, which are not to be changed."""
        raise NotImplementedError

    @classmethod
    def from_config_dict(cls, config_dict: Mapping[str, Any], prefix: str) -> Self:
        """Make a backend from the entries of a mapping that start with a prefix."""
        texts = [name for name in config_dict if isinstance(name, str)]
        names = [name for name in texts if name.startswith(prefix)]
        return cls({name[len(prefix) :]: config_dict[name] for name in names})

    def awaited(self) -> Any:
        """Return this backend for tasks, if it has such a form, or None."""
        return None

    def has_lock_timeout(self) -> bool:
        """Tell whether the locks of ``get_mutex`` end by themselves after a time."""
        return False

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        """Return the lock that creators of this key share with other processes.

        None, the default, means that threads of this process are all there is.
        """
        return None


def is_callers_fault(backend: Any, error: Exception) -> bool:
    """Tell whether an error is due to a key or a value, and not to the backend."""
    errors = getattr(backend, "callers_errors", BaseBackend.callers_errors)
    return isinstance(error, errors) and not isinstance(error, BackendUnavailable)
