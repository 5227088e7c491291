"""redis-server, and valkey-server, which speaks the same protocol."""

from __future__ import annotations

from .process import Server, exchange, program


class Redis(Server):
    """Be a Redis that keeps nothing on disk."""

    programs: tuple[str, ...] = ("redis-server",)

    def __init__(self, *options: str) -> None:
        super().__init__()
        self._options = options

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        fixed = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        return [program(*self.programs), *fixed, *self._options]

    def answers(self) -> bool:
        return exchange(self.port, b"PING\r\n") == b"+PONG\r\n"


class Valkey(Redis):
    """Be a Valkey where it is installed, else a Redis."""

    programs = ("valkey-server", "redis-server")

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"valkey://127.0.0.1:{self.port}/0"
