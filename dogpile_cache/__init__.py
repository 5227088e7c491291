"""Regions in front of pluggable backends, with the dogpile lock."""

from .api import NO_VALUE, BytesBackend, CacheBackend, CachedValue
from .lock import Lock, NeedRegenerationException
from .plugins import register_backend
from .region import CacheRegion, make_region

__all__ = [
    "NO_VALUE",
    "BytesBackend",
    "CacheBackend",
    "CacheRegion",
    "CachedValue",
    "Lock",
    "NeedRegenerationException",
    "__version__",
    "make_region",
    "register_backend",
]

__version__ = "0.1.0"
