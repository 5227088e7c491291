"""The backends; each is imported when a region is configured with it."""

from dogpile_cache.plugins import register_backend

__all__ = ["register_backend"]
