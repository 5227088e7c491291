"""Render one page with Mako and with Jinja2, cold and hot and in a storm.

Run ``python -m examples.demo``.  It needs Mako and Jinja2, and no server: the regions
are on the memory backend.  The exit code is 0 if the storm did what it should.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Barrier, Thread
from time import perf_counter
from typing import NamedTuple

from .library import YEARS, Library
from .pages import Page, jinja2_page, make_regions, mako_page

OUTPUT = Path("demo-output")
THREADS = 32
HOT_VIEWS = 200


class Storm(NamedTuple):
    """Say what came of many threads that asked at once."""

    renderings: int
    pages: list[str]
    milliseconds: float

    @property
    def held(self) -> bool:
        """Tell whether one thread rendered, and all were given the same page."""
        return self.renderings == 1 and self.alike == THREADS

    @property
    def alike(self) -> int:
        return self.pages.count(self.pages[0]) if self.pages else 0


def main() -> int:
    """Run the demo; return the exit code."""
    print("A page of a small library: a head, a navigation, and a table of 50 books.")
    print("The table needs a slow query, so it is a cached fragment of the template.")
    with TemporaryDirectory() as directory:
        library = Library(Path(directory, "library.sqlite"))
        regions = make_regions()
        pages = {
            "Mako": mako_page(library, regions),
            "Jinja2": jinja2_page(library, regions),
        }
        _show_times(pages)
        print(f"\nA storm: {THREADS} threads ask at once for a table not in the cache.")
        held = [_show_storm(name, page, library) for name, page in pages.items()]
    print(f"\nLook at the pages: {', '.join(str(_file(name)) for name in pages)}")
    return 0 if all(held) else 1


def _show_times(pages: dict[str, Page]) -> None:
    OUTPUT.mkdir(exist_ok=True)
    print(f"\n{'':8}{'first view':>14}{'next views':>14}")
    for name, page in pages.items():
        cold, html = _timed(page, YEARS[0])
        hot = median(_timed(page, YEARS[0])[0] for _ in range(HOT_VIEWS))
        print(f"{name:8}{cold:11.2f} ms{hot:11.3f} ms")
        _file(name).write_text(html, encoding="utf-8")


def _show_storm(name: str, page: Page, library: Library) -> bool:
    storm = _storm(page, library)
    times = "once" if storm.renderings == 1 else f"{storm.renderings} TIMES"
    print(
        f"{name:8}rendered {times}; {storm.alike} of {THREADS} threads were given the "
        f"same page, after {storm.milliseconds:.0f} ms"
    )
    return storm.held


def _storm(page: Page, library: Library) -> Storm:
    """Have many threads ask for a year whose table nobody has asked for yet."""
    before, pages, barrier = library.queries, list[str](), Barrier(THREADS + 1)

    def view() -> None:
        barrier.wait()
        pages.append(page(YEARS[1]))

    threads = [Thread(target=view) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = perf_counter()
    for thread in threads:
        thread.join()
    elapsed = 1000 * (perf_counter() - begun)
    return Storm(library.queries - before, pages, elapsed)


def _timed(page: Page, year: int) -> tuple[float, str]:
    begun = perf_counter()
    html = page(year)
    return 1000 * (perf_counter() - begun), html


def _file(name: str) -> Path:
    return OUTPUT / f"{name.lower()}.html"


if __name__ == "__main__":
    sys.exit(main())
