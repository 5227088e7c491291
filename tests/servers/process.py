"""One server process: started, waited for, stopped by its pid."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from typing_extensions import Self

DEADLINE = 20.0
"""Seconds within which a server must answer."""


class ServerMissing(Exception):
    """Say that a server is not installed."""


def program(*names: str) -> str:
    """Return the path of the first program that is installed."""
    for name in names:
        path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if path is not None:
            return path
    raise ServerMissing(
        f"{names[0]} is not installed; 'make test' installs what the tests need."
    )


def free_port(highest: int = 65535) -> int:
    """Return a port of the loopback interface that nobody listens on."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port <= highest:
            return port
        with socket.socket() as probe:  # ephemeral ports may all lie above
            port = 20000 + port % 20000
            if port <= highest and probe.connect_ex(("127.0.0.1", port)):
                return port


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Poll until a condition holds; fail when the deadline has passed."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come about within {DEADLINE} seconds")
        time.sleep(0.02)


class Server:
    """Be a server of one process, with a directory for its files.

    A subclass defines :meth:`command` and :meth:`answers`.
    """

    environment: dict[str, str] | None = None

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._directory = tempfile.TemporaryDirectory(prefix="dogpile-server-")
        self.directory = Path(self._directory.name)

    def command(self) -> list[str]:
        """Return the command line of the server."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Tell whether the server is ready."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        log = self.directory / "log"
        with log.open("ab") as output:
            self._process = process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=self.environment,
            )

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
            return self.answers()

        try:
            wait_until(ready, f"an answer of {self.command()[0]}")
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """Ask the server to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)  # a paused one would not hear
        process.send_signal(how)
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Stop the server and start it anew on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Stop the server from doing anything, without closing a connection."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop the server and remove its files."""
        self.stop()
        self._directory.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def exchange(port: int, request: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """Send a request to a port and return the first bytes of the answer, if any."""
    host = "127.0.0.1"
    try:
        with ExitStack() as stack:
            connection = socket.create_connection((host, port), timeout=1)
            stack.enter_context(connection)
            if context is not None:
                connection = context.wrap_socket(connection, server_hostname=host)
                stack.enter_context(connection)
            connection.sendall(request)
            return connection.recv(4096)
    except OSError:
        return b""
