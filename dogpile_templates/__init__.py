"""Fragments of Mako and Jinja2 templates in regions, under the dogpile lock."""

from .access import async_invalidate_fragment, fragment_keys, invalidate_fragment
from .fragments import FragmentError, FragmentInItself, UnknownRegion, UnstableKeyPart

__all__ = [
    "FragmentError",
    "FragmentInItself",
    "UnknownRegion",
    "UnstableKeyPart",
    "async_invalidate_fragment",
    "fragment_keys",
    "invalidate_fragment",
]
