"""Fuzz all areas, guided by coverage: ``python -m fuzz [AREA...]``.

Each area has ``FUZZ_SECONDS`` seconds, by default 60, and a process of its own, which
``python -m fuzz --run AREA`` is: atheris ends its process.  The first input that is not
as it should be is shown, and written to a file ``crash-...``.
"""

from __future__ import annotations

import importlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

# The module, its check, and what makes an input: a strategy by name, or bytes and text
# as they are.
AREAS: dict[str, tuple[str, str, str | Callable[[bytes], Any]]] = {
    "stored": ("stored", "check", bytes),
    "settings": ("settings", "check", "inputs"),
    "keys": ("keys", "check", "inputs"),
    "tags": ("templates", "check_tag", lambda data: data.decode(errors="replace")),
    "tokens": ("templates", "check_tag", "tags"),
    "arguments": ("templates", "check_arguments", "arguments"),
    "mako": ("templates", "check_mako", "mako"),
}


def main(arguments: list[str]) -> int:
    """Run the areas that are named, or all, one after the other."""
    if arguments[:1] == ["--run"]:
        run(arguments[1])
    wrong = [area for area in arguments if area not in AREAS]
    if wrong:
        print(f"There is no area {wrong[0]}; there are {', '.join(AREAS)}.")
        return 2
    command = [sys.executable, "-m", "fuzz", "--run"]
    ends = {}
    for area in arguments or AREAS:
        print(f"== {area}", flush=True)
        ends[area] = subprocess.run([*command, area], check=False).returncode
    failed = [area for area, end in ends.items() if end]
    print(f"Found faults in {', '.join(failed)}." if failed else "Found no faults.")
    return 1 if failed else 0


def run(area: str) -> None:
    """Run one area, and end the process."""
    logging.getLogger("dogpile_cache").disabled = True  # it warns of each miss
    name, check, source = AREAS[area]
    with atheris.instrument_imports(include=["dogpile_cache", "dogpile_templates"]):
        module = importlib.import_module(f"fuzz.{name}")
    seconds = os.environ.get("FUZZ_SECONDS", "60")
    corpus = tempfile.mkdtemp(prefix="fuzz-")
    for number, seed in enumerate(getattr(module, "SEEDS", [])):
        Path(corpus, str(number)).write_bytes(seed)
    options = [f"-max_total_time={seconds}", "-timeout=30", "-print_final_stats=1"]
    target = _target(getattr(module, check), source, module)
    atheris.Setup([sys.argv[0], *options, corpus], target)
    atheris.Fuzz()


def _target(check: Callable[[Any], None], source: Any, module: Any) -> Any:
    if callable(source):
        return lambda data: check(source(data))
    from hypothesis import given, settings

    settings.register_profile("fuzz", deadline=None, database=None)
    settings.load_profile("fuzz")
    return given(getattr(module, source))(check).hypothesis.fuzz_one_input  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
