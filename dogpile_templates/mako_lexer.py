"""Templates of Mako whose ``cache_timeout`` counts at each call.

Mako reads ``cache_timeout`` when it compiles a template, before it asks any plugin: of a
variable it knows nothing then.  Other ``cache_...`` attributes are evaluated at each call.
"""

from __future__ import annotations

from typing import Any

from mako.lexer import Lexer as MakoLexer
from mako.parsetree import Tag


class Lexer(MakoLexer):  # type: ignore[misc]  # Mako has no types
    """Have Mako take ``cache_timeout`` for what it evaluates at each call.

    Give it to ``TemplateLookup`` or ``Template`` as ``lexer_cls``.
    """

    def append_node(self, nodecls: Any, *args: Any, **kw: Any) -> None:
        """Take a piece of the template."""
        if nodecls is Tag:
            attributes = args[1]
            if "cache_timeout" in attributes:
                given = attributes.pop("cache_timeout")
                lifetime = given if "${" in given else f"${{{given}}}"
                attributes["cache_expiration_time"] = lifetime
        super().append_node(nodecls, *args, **kw)
