"""The proxy that injects faults does what it says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.servers.faults import FaultyProxy
from tests.unit.threads import Call, eventually


@pytest.fixture
def echo() -> Iterator[int]:
    """Give the port of a server that answers with what it is told."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(1024):
                    client.sendall(data)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.fixture
def proxy(echo: int) -> Iterator[FaultyProxy]:
    with FaultyProxy(echo, delay=0.1) as proxy:
        yield proxy


def connect(proxy: FaultyProxy, timeout: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout)


def ask(client: socket.socket, question: bytes) -> bytes:
    """Return an answer of the same length; an error if the connection is closed."""
    client.sendall(question)
    answer = b""
    while len(answer) < len(question):
        data = client.recv(1024)
        if not data:
            raise ConnectionResetError(answer)
        answer += data
    return answer


def test_without_a_fault_all_goes_through(proxy: FaultyProxy) -> None:
    with connect(proxy) as client:
        assert ask(client, b"hello") == b"hello"
        assert ask(client, b"again") == b"again"


def test_refused_connections(proxy: FaultyProxy) -> None:
    with connect(proxy) as client:
        ask(client, b"hello")
        proxy.fault = "refuse"
        with pytest.raises(OSError, match=r"reset|Broken|refused|b''"):
            ask(client, b"hello")
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.fault = None
    with connect(proxy) as client:
        assert ask(client, b"hello") == b"hello"


def test_a_hanging_connection_goes_on_afterwards(proxy: FaultyProxy) -> None:
    with connect(proxy) as client:
        proxy.fault = "hang"
        call = Call(ask, client, b"hello")
        client.settimeout(10)
        assert not call.has_ended
        proxy.fault = None
        assert call.result() == b"hello"


def test_a_cut_reply(proxy: FaultyProxy) -> None:
    with connect(proxy) as client:
        proxy.fault = "cut"
        with pytest.raises(ConnectionResetError):
            ask(client, b"hello")


def test_a_late_reply_comes_whole(proxy: FaultyProxy) -> None:
    with connect(proxy) as client:
        proxy.fault = "delay"
        assert ask(client, b"hello") == b"hello"


def test_changed_replies(proxy: FaultyProxy) -> None:
    question = bytes(100)
    with connect(proxy) as client:
        proxy.fault = "garble"
        assert sum(ask(client, question)) > 0
        proxy.fault = "flip"
        answer = ask(client, question)
        assert sum(byte != 0 for byte in answer) >= 1  # one of each part it came in
        assert sum(byte == 0 for byte in answer) > 90


def test_closing_it_leaves_nothing(echo: int) -> None:
    before = threading.active_count()
    with FaultyProxy(echo) as proxy:
        clients = [connect(proxy) for _ in range(3)]
        proxy.fault = "hang"
        for client in clients:
            client.sendall(b"hello")
    eventually(lambda: threading.active_count() == before)
    for client in clients:
        client.close()


def test_a_fault_that_is_none_is_an_error(proxy: FaultyProxy) -> None:
    with pytest.raises(AssertionError, match="'nonsense' is none of"):
        proxy.fault = "nonsense"
