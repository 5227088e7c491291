"""Serve the page by several processes: ``python -m examples.flask_app``.

``PORT`` is where, 8000 by default; ``WORKERS`` is by how many processes, 4 by default;
``CACHE_URL`` is a Redis to keep fragments in, by default they are kept in a directory that
the processes share.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from werkzeug.serving import WSGIRequestHandler, make_server

from examples.workers import serve_by

from . import create_app


class Handler(WSGIRequestHandler):
    """Answer one request for each connection, so that any process answers the next."""

    protocol_version = "HTTP/1.0"


def main() -> None:
    """Serve until interrupted."""
    port = int(os.environ.get("PORT", "8000"))
    workers = int(os.environ.get("WORKERS", "4"))
    with TemporaryDirectory() as directory:
        cache = os.environ.get("CACHE_URL") or str(Path(directory, "cache"))
        app = create_app(cache, directory)
        address = "127.0.0.1", port
        with make_server(*address, app, True, request_handler=Handler) as server:
            server.multiprocess = True
            print(f"{workers} processes share the fragments in {cache}.")
            url = f"http://127.0.0.1:{server.server_port}/"
            print(f"Open {url} and stop with Ctrl-C.", flush=True)
            serve_by(workers, server.serve_forever)


if __name__ == "__main__":
    main()
