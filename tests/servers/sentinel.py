"""A Redis master with a replica, watched by three sentinels."""

from __future__ import annotations

from contextlib import ExitStack

from typing_extensions import Self

from .process import Server, exchange, program, wait_until
from .redis import Redis

NAME = "mymaster"


class Sentinel(Server):
    """Be one sentinel that watches a master."""

    def __init__(self, master_port: int) -> None:
        super().__init__()
        self._config = self.directory / "sentinel.conf"
        self._config.write_text(
            f"port {self.port}\n"
            "bind 127.0.0.1\n"
            f"sentinel monitor {NAME} 127.0.0.1 {master_port} 2\n"
            f"sentinel down-after-milliseconds {NAME} 500\n"
            f"sentinel failover-timeout {NAME} 4000\n"
            f"sentinel parallel-syncs {NAME} 1\n"
        )

    def command(self) -> list[str]:
        return [program("redis-server"), str(self._config), "--sentinel"]

    def answers(self) -> bool:
        return exchange(self.port, b"PING\r\n") == b"+PONG\r\n"

    def master_port(self) -> int:
        """Return the port of the master as this sentinel knows it; 0 for unknown."""
        request = f"SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}\r\n".encode()
        lines = exchange(self.port, request).split(b"\r\n")
        return int(lines[4]) if len(lines) > 4 else 0

    def knows_all(self) -> bool:
        """Tell whether it has found the replica and the two other sentinels."""
        answer = exchange(self.port, f"SENTINEL MASTER {NAME}\r\n".encode())
        words = [word for word in answer.split(b"\r\n") if word[:1] != b"$"]
        fields = dict(zip(words[1::2], words[2::2], strict=False))
        found = fields.get(b"num-slaves"), fields.get(b"num-other-sentinels")
        return found == (b"1", b"2")


class SentinelSet:
    """Be a master, a replica of it and three sentinels."""

    name = NAME

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.master = stack.enter_context(Redis())
            follow = ("--replicaof", "127.0.0.1", str(self.master.port))
            self.replica = stack.enter_context(Redis(*follow))
            self.sentinels = [
                stack.enter_context(Sentinel(self.master.port)) for _ in range(3)
            ]
            for sentinel in self.sentinels:
                wait_until(sentinel.knows_all, "the set of sentinels")
            wait_until(self._in_sync, "the replica's first copy")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """The addresses of the sentinels."""
        return [("127.0.0.1", sentinel.port) for sentinel in self.sentinels]

    def _in_sync(self) -> bool:
        answer = exchange(self.replica.port, b"INFO replication\r\n")
        return b"master_link_status:up" in answer

    def fail_over(self) -> None:
        """Kill the master and wait until every sentinel names the replica."""
        self.master.kill()
        for sentinel in self.sentinels:
            wait_until(
                lambda sentinel=sentinel: sentinel.master_port() == self.replica.port,
                "the failover",
            )
        wait_until(self._promoted, "the promotion of the replica")

    def _promoted(self) -> bool:
        return b"role:master" in exchange(self.replica.port, b"INFO replication\r\n")
