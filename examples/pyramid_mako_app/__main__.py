"""Serve the application: ``python -m examples.pyramid_mako_app``."""

from __future__ import annotations

from pathlib import Path

from examples.serving import serve

from .app import make_app

if __name__ == "__main__":
    serve(make_app, Path(__file__).with_name("development.ini"))
