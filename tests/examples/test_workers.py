"""The page of the demo, served by several processes that share one cache."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import wait_until

ROOT = Path(__file__).parents[2]
WORKERS = 4


class Served:
    """Be the page, served as ``make demo`` does, on a free port."""

    def __init__(self, port: int = 0) -> None:
        settings = {"PORT": str(port), "CACHE_URL": "", "WORKERS": str(WORKERS)}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "examples.flask_app"],
            env=os.environ | settings | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # of which Ctrl-C reaches all
        )

    def started(self) -> Served:
        assert self.process.stdout is not None
        told = (re.search(r"http://\S+:(\d+)", line) for line in self.process.stdout)
        self.port = next(int(found[1]) for found in told if found)
        return self

    def request(self, method: str, path: str, **headers: str) -> Any:
        with closing(HTTPConnection("127.0.0.1", self.port)) as connection:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        return text, answer.headers

    def storm(self) -> str:
        """Set off a storm, and return what the page tells of it."""
        headers = self.request("POST", "/storm/2024")[1]
        cookie = headers["Set-Cookie"].partition(";")[0]
        page = self.request("GET", headers["Location"], Cookie=cookie)[0]
        found = re.search(r'<p class="result">(.+?)</p>', page, re.DOTALL)
        assert found is not None
        return " ".join(found[1].split())

    @property
    def is_gone(self) -> bool:
        """Whether no process listens any more."""
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served().started()
    try:
        yield made
    finally:
        made.process.kill()
        made.process.communicate(timeout=10)
        wait_until(lambda: made.is_gone, "the end of all workers")


def made(page: str) -> list[tuple[str, str]]:
    """Return when its fragments were rendered, and by which processes."""
    return re.findall(r'data-made="(.+?)".*by process <b class="process">(\d+)<', page)


def test_several_processes_serve_the_fragments_that_one_has_rendered(
    served: Served,
) -> None:
    pages: dict[str, str] = {}

    def others_served() -> bool:
        page, headers = served.request("GET", "/")
        pages[headers["Served-By"]] = page
        return len(pages) > 1

    wait_until(others_served, "an answer by a second process")
    assert str(served.process.pid) not in pages
    for process, page in pages.items():
        assert f'served by process <b class="process">{process}</b>' in page
    first, *rest = map(made, pages.values())
    assert len(first) > 2
    assert rest == [first] * len(rest)


def test_a_storm_over_all_processes_renders_once(served: Served) -> None:
    processes = 0

    def several_answered() -> bool:
        nonlocal processes
        told = served.storm()
        assert "ran once; 32 of 32 were given the same page" in told
        found = re.search(r"answered by (\d) processes", told)
        processes = int(found[1]) if found else 1
        return processes > 1

    wait_until(several_answered, "a storm that a second process has answered")
    assert processes <= WORKERS


def test_what_is_borrowed_in_one_process_is_gone_in_all(served: Served) -> None:
    for _ in range(7):
        served.request("POST", "/borrow/0")
    pages: dict[str, str] = {}

    def others_served() -> bool:
        page, headers = served.request("GET", "/")
        pages[headers["Served-By"]] = page
        return len(pages) > 1

    wait_until(others_served, "an answer by a second process")
    assert all("0 copies left" in page for page in pages.values())


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        pytest.param(lambda p: os.killpg(p.pid, signal.SIGINT), 0, id="Ctrl-C"),
        pytest.param(lambda p: p.send_signal(signal.SIGINT), 0, id="interrupted"),
        pytest.param(lambda p: p.terminate(), 0, id="terminated"),
        pytest.param(lambda p: p.kill(), -signal.SIGKILL, id="killed"),
    ],
)
def test_all_processes_end_together(
    served: Served, stop: Callable[[Any], None], code: int
) -> None:
    served.request("GET", "/")
    stop(served.process)
    said = served.process.communicate(timeout=10)[1]
    assert served.process.returncode == code
    assert "Traceback" not in said
    wait_until(lambda: served.is_gone, "the end of all workers")


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = Served(port).process
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert f"Port {port} is in use by another program" in said
    assert "Traceback" not in said
