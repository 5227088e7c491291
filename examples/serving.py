"""Serve an example of Pyramid on this machine, with the settings beside it."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from tempfile import TemporaryDirectory
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

from examples.demo.library import Library
from examples.demo.wishes import make_wishes


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """Answer each request in a thread of its own."""

    daemon_threads = True


def read_settings(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of an ini file, with what the environment changes."""
    parser = ConfigParser(interpolation=None)
    parser.read(file, encoding="utf-8")
    settings = dict(parser["app:main"])
    if environ.get("CACHE_URL"):
        for region in ("short", "long"):
            settings[f"dogpile_cache.{region}.backend"] = "dogpile.cache.redis"
            settings[f"dogpile_cache.{region}.arguments.url"] = environ["CACHE_URL"]
    return settings


def serve(make_app: Callable[..., Any], file: Path) -> None:
    """Serve an application until the program is interrupted.

    ``CACHE_URL=redis://localhost`` in the environment has the fragments kept in Redis.

    :param file: the ini file of its settings.
    """
    parser = ArgumentParser(description="Serve a page whose fragments are cached.")
    port = int(os.environ.get("PORT", "6543"))
    parser.add_argument("port", nargs="?", type=int, default=port)
    arguments = parser.parse_args()
    with TemporaryDirectory() as directory:
        library = Library(Path(directory, "library.sqlite"))
        app = make_app(read_settings(file, os.environ), library, make_wishes())
        with make_server(
            "127.0.0.1", arguments.port, app, server_class=ThreadingServer
        ) as server:
            print(f"Look at http://127.0.0.1:{server.server_port}/", flush=True)
            with suppress(KeyboardInterrupt):
                server.serve_forever()
