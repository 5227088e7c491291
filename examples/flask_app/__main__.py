"""Serve the page: ``python -m examples.flask_app``.

``PORT`` is where, 8000 by default; ``CACHE_URL`` is a Redis to keep fragments in, by
default they are kept in memory.
"""

from __future__ import annotations

import os
from contextlib import suppress

from werkzeug.serving import make_server

from . import create_app


def main() -> None:
    """Serve until interrupted."""
    cache_url = os.environ.get("CACHE_URL", "")
    app = create_app(cache_url)
    port = int(os.environ.get("PORT", "8000"))
    server = make_server("127.0.0.1", port, app, threaded=True)
    kept = cache_url or "memory; try CACHE_URL=redis://localhost/0"
    print(f"Fragments are kept in {kept}.")
    print(
        f"Open http://127.0.0.1:{server.server_port}/ and stop with Ctrl-C.", flush=True
    )
    with suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
