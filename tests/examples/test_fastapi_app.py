"""The application of FastAPI, served by uvicorn and looked at through HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers.process import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["memory", "redis"])
def client(request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """Serve the application in a process of its own."""
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "CACHE_URL": ""}
    if request.param == "redis":
        environment["CACHE_URL"] = request.getfixturevalue("redis_server").url
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.fastapi_app"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as it:
            deadline = time.monotonic() + 30
            while True:
                assert process.poll() is None, process.stdout and process.stdout.read()
                assert time.monotonic() < deadline
                try:
                    it.get("/nothing")
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            yield it
    finally:
        process.terminate()
        process.communicate(timeout=30)


def times(page: str) -> list[str]:
    """Return when each fragment of a page was rendered."""
    return re.findall(r"rendered at (\d\d:\d\d:\d\d)", page)


def test_a_page_is_served_from_its_fragments(client: httpx.Client) -> None:
    first, second = (client.get("/") for _ in range(2))
    assert first.status_code == 200
    assert first.text == second.text
    assert len(times(first.text)) == 7
    assert first.text.count("<tr>") == 51
    assert "Tides &amp; Timetables" in first.text
    assert client.get("/?year=2023").text != first.text
    assert client.get("/?year=1900").status_code == 404


def test_a_wish_is_shown_at_once(client: httpx.Client) -> None:
    assert "&lt;b&gt;" not in client.get("/").text
    answer = client.post("/wish", data={"wish": "fog", "reader": "<b>"})
    assert answer.status_code == 303
    assert "Linus, &lt;b&gt;" in client.get("/").text
    assert client.post("/wish", data={"wish": "x", "reader": "y"}).status_code == 400


def test_an_editor_sees_the_page_as_it_is_now(client: httpx.Client) -> None:
    before = times(client.get("/").text)
    while time.strftime("%H:%M:%S") in before:
        time.sleep(0.05)
    assert not set(times(client.get("/?preview=1").text)) & set(before)
    assert times(client.get("/").text) == before
