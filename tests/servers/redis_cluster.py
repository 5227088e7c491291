"""A Redis cluster of three masters."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack

from typing_extensions import Self

from .process import exchange, free_port, program, wait_until
from .redis import Redis

_BUS_OFFSET = 10000
"""What Redis adds to a node's port for the one that nodes talk through."""


class Node(Redis):
    """Be one node of a cluster."""

    def __init__(self) -> None:
        super().__init__("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
        self.port = free_port(highest=65535 - _BUS_OFFSET)

    def in_order(self) -> bool:
        """Tell whether the node sees all slots served."""
        return b"cluster_state:ok" in exchange(self.port, b"CLUSTER INFO\r\n")


class RedisCluster:
    """Be a cluster of three masters without replicas."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.nodes = [stack.enter_context(Node()) for _ in range(3)]
            addresses = [f"127.0.0.1:{node.port}" for node in self.nodes]
            create = ["--cluster", "create", *addresses, "--cluster-yes"]
            subprocess.run(
                [program("redis-cli"), *create], check=True, capture_output=True
            )
            for node in self.nodes:
                wait_until(node.in_order, "the cluster")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """The URL of one node."""
        return f"redis://127.0.0.1:{self.nodes[0].port}/0"
