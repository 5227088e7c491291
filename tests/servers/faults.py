"""A TCP proxy between a client and a server, which injects faults while it runs.

::

    with FaultyProxy(server.port) as proxy:
        client = connect(proxy.port)
        proxy.fault = "hang"
        ...
        proxy.fault = None

A fault counts for connections that are open and for those that come.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

FAULTS = ("refuse", "hang", "cut", "delay", "garble", "flip")
"""What can be wrong.

- refuse: connections are reset, and new ones refused.
- hang: nothing goes through, in either direction, for as long as it lasts.
- cut: half of a reply goes through, then the connection is reset.
- delay: replies come ``delay`` seconds late.
- garble: replies are replaced by as many random bytes.
- flip: one byte of each reply is another one.
"""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset
_TICK = 0.02


class FaultyProxy:
    """Pass bytes between clients and a server of this machine.

    :param target: the port of the server.
    :param delay: seconds by which the fault ``delay`` holds replies back.
    :param seed: what the random bytes are made from.
    """

    def __init__(self, target: int, delay: float = 1.5, seed: int = 0) -> None:
        self.target = target
        self.delay = delay
        self.passed = 0
        """Replies that were passed on, changed or not."""
        self._random = Random(seed)
        self._fault: str | None = None
        self._closed = threading.Event()
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = self._listen(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def fault(self) -> str | None:
        """What is wrong now; None, all is well."""
        return self._fault

    @fault.setter
    def fault(self, fault: str | None) -> None:
        assert fault is None or fault in FAULTS, f"{fault!r} is none of {FAULTS}"
        self._fault = fault
        if fault == "refuse":
            self._stop_listening()
            self._reset_all()
        elif self._listener is None:
            self._listen(self.port)

    def close(self) -> None:
        """Close all connections, and end all threads."""
        self._closed.set()
        self._stop_listening()
        self._reset_all()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive(), "a thread of the proxy has not ended"

    def _listen(self, port: int) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        self._listener = listener
        self._start(self._accept, listener)
        return int(listener.getsockname()[1])

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # which wakes who accepts
            listener.close()

    def _start(self, work: Any, *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target), 5)
                server.settimeout(None)
            except OSError:
                _reset(client)
                continue
            with self._guard:
                self._open |= {client, server}
            if self._fault == "refuse" or self._closed.is_set():
                self._drop(client, server)
                continue
            self._start(self._pass, client, server, False)
            self._start(self._pass, server, client, True)

    def _pass(
        self, source: socket.socket, target: socket.socket, replies: bool
    ) -> None:
        """Pass on what one side says, until either is closed."""
        try:
            while data := source.recv(65536):
                while self._fault == "hang" and not self._closed.wait(_TICK):
                    pass
                if replies:
                    data = self._changed(data, target)
                target.sendall(data)
        except OSError:
            pass
        self._drop(source, target)

    def _changed(self, reply: bytes, target: socket.socket) -> bytes:
        """Return what becomes of a reply under the fault there is."""
        fault = self._fault
        self.passed += 1
        if fault == "delay":
            self._closed.wait(self.delay)
        if fault == "garble":
            return self._random.randbytes(len(reply))
        if fault == "flip":
            at = self._random.randrange(len(reply))
            other = reply[at] ^ self._random.randrange(1, 256)
            return reply[:at] + bytes([other]) + reply[at + 1 :]
        if fault == "cut":
            target.sendall(reply[: len(reply) // 2])
            raise ConnectionResetError
        return reply

    def _drop(self, *connections: socket.socket) -> None:
        with self._guard:
            self._open -= {*connections}
        for connection in connections:
            _reset(connection)

    def _reset_all(self) -> None:
        with self._guard:
            connections = [*self._open]
        self._drop(*connections)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RDWR)  # which wakes who reads
    connection.close()
