"""Payloads made shorter, and back within a bound.

Zstandard is used where there is a library for it, else zlib.  What is read back may come
from anybody: it is decompressed as a stream that ends at the bound, whatever size the
payload tells of itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

LARGEST = 64 * 2**20
"""Bytes that a payload may have before it is compressed, and after it was decompressed."""


class _Method(NamedTuple):
    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


def compress(payload: bytes) -> tuple[str, bytes] | None:
    """Return how a payload was compressed, and to what; None if that is no shorter."""
    if len(payload) > LARGEST:
        return None
    zstd = _zstd()
    name, method = ("zlib", _ZLIB) if zstd is None else ("zstd", zstd)
    shorter = method.compress(payload)
    return (name, shorter) if len(shorter) < len(payload) else None


def decompress(name: str, payload: bytes) -> bytes:
    """Return what a payload was before it was compressed.

    :param name: how it was compressed: ``zlib`` or ``zstd``.
    :raises Exception: it is truncated, malformed or too large, or there is no such method
        or no library for it.
    """
    method = {"zlib": _ZLIB, "zstd": _zstd()}.get(name)
    if method is None:
        raise ValueError(f"{name!r} needs a library, or is no method known here")
    return method.decompress(payload)


def _read(stream: Any, payload: bytes) -> bytes:
    """Return all that a stream, of zlib or of the library of Python 3.14, makes of it."""
    found: bytes = stream.decompress(payload, LARGEST + 1)
    if len(found) > LARGEST:
        raise ValueError(f"the payload is of more than {LARGEST} bytes")
    if not stream.eof or stream.unused_data:
        raise ValueError("the payload is truncated, or more follows its end")
    return found


def _zlib_compress(payload: bytes) -> bytes:
    import zlib

    return zlib.compress(payload)


def _zlib_decompress(payload: bytes) -> bytes:
    import zlib

    return _read(zlib.decompressobj(), payload)


_ZLIB = _Method(_zlib_compress, _zlib_decompress)


@cache
def _zstd() -> _Method | None:
    """Look once for a library: an import that fails is costly."""
    return _zstandard() or _zstd_of_python()


def _zstandard() -> _Method | None:
    try:
        import zstandard
    except ImportError:
        return None

    class OfThread(threading.local):  # they are costly to make, and for one at a time
        def __init__(self) -> None:
            self.compressor = zstandard.ZstdCompressor()
            self.bounded = zstandard.ZstdDecompressor(max_window_size=LARGEST)

    own = OfThread()

    def decompress(payload: bytes) -> bytes:
        told = zstandard.get_frame_parameters(payload).content_size
        if told > LARGEST:
            raise ValueError(
                f"the payload is of more than {LARGEST} bytes, or not told"
            )
        found = own.bounded.stream_reader(payload).read(told + 1)
        if len(found) != told:  # the reader takes what is truncated for an end
            raise ValueError("the payload is truncated, or not of the size it tells")
        return found

    def compress(payload: bytes) -> bytes:
        return own.compressor.compress(payload)  # of this thread

    return _Method(compress, decompress)


def _zstd_of_python() -> _Method | None:
    from importlib import import_module  # whose stubs know of no Python 3.14

    try:
        zstd = import_module("compression.zstd")
    except ImportError:
        return None
    bound = {zstd.DecompressionParameter.window_log_max: LARGEST.bit_length() - 1}
    return _Method(
        zstd.compress,
        lambda payload: _read(zstd.ZstdDecompressor(options=bound), payload),
    )
