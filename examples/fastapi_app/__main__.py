"""Serve the page: ``python -m examples.fastapi_app``.

``PORT`` is where, 8000 by default; ``CACHE_URL`` is a Redis to keep fragments in, by
default they are kept in memory.
"""

from __future__ import annotations

import os

import uvicorn

from . import create_app


def main() -> None:
    """Serve until interrupted."""
    app = create_app(os.environ.get("CACHE_URL", ""))
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))


if __name__ == "__main__":
    main()
