"""Fragments of Mako and Jinja2 templates in regions, under the dogpile lock."""

from .fragments import FragmentError, UnknownRegion, UnstableKeyPart

__all__ = ["FragmentError", "UnknownRegion", "UnstableKeyPart"]
