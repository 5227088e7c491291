"""Serve the application on this machine: ``python -m examples.pyramid_jinja2_app``.

``CACHE_URL=redis://localhost`` in the environment has the fragments kept in Redis.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Mapping
from configparser import ConfigParser
from pathlib import Path
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory
from wsgiref.simple_server import WSGIServer, make_server

from examples.demo.library import Library

from .app import make_app
from .wishes import make_wishes


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """Answer each request in a thread of its own."""

    daemon_threads = True


def read_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of ``development.ini``, with what the environment changes."""
    parser = ConfigParser(interpolation=None)
    parser.read(Path(__file__).with_name("development.ini"), encoding="utf-8")
    settings = dict(parser["app:main"])
    if environ.get("CACHE_URL"):
        for region in ("short", "long"):
            settings[f"dogpile_cache.{region}.backend"] = "dogpile.cache.redis"
            settings[f"dogpile_cache.{region}.arguments.url"] = environ["CACHE_URL"]
    return settings


def main() -> None:
    """Serve until the program is interrupted."""
    parser = ArgumentParser(description="Serve a page whose fragments are cached.")
    port = int(os.environ.get("PORT", "6543"))
    parser.add_argument("port", nargs="?", type=int, default=port)
    arguments = parser.parse_args()
    with TemporaryDirectory() as directory:
        library = Library(Path(directory, "library.sqlite"))
        app = make_app(read_settings(os.environ), library, make_wishes())
        with make_server(
            "127.0.0.1", arguments.port, app, server_class=ThreadingServer
        ) as server:
            print(f"Look at http://127.0.0.1:{server.server_port}/", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print()


if __name__ == "__main__":
    main()
