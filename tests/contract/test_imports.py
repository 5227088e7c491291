"""What is imported, and what is said when a library is not there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dogpile_cache import make_region
from dogpile_cache.exception import LibraryNotInstalled

LIBRARIES = {
    "bmemcached": ("bmemcached", "bmemcached"),
    "memcached": ("memcache", "memcached"),
    "pylibmc": ("pylibmc", "pylibmc"),
    "pymemcache": ("pymemcache", "memcached"),
    "redis": ("redis", "redis"),
    "redis_cluster": ("redis", "redis"),
    "redis_sentinel": ("redis", "redis"),
    "valkey": ("valkey", "valkey"),
    "valkey_cluster": ("valkey", "valkey"),
    "valkey_sentinel": ("valkey", "valkey"),
}


def test_the_package_imports_no_library() -> None:
    code = (
        "import sys, dogpile_cache, dogpile_cache.config, dogpile_templates;"
        "dogpile_cache.make_region().configure('dogpile.cache.memory');"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    libraries = {module for module, _ in LIBRARIES.values()}
    assert not {*libraries, "jinja2", "mako", "hiredis"} & set(run.stdout.split())


@pytest.mark.parametrize("backend", LIBRARIES)
def test_a_missing_library_is_an_error_that_names_the_extra(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, extra = LIBRARIES[backend]
    for name in [module, *(n for n in sys.modules if n.startswith(f"{module}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    install = rf"pip install dogpile-templates\[{extra}\]"
    arguments = {"url": "127.0.0.1:1", "sentinels": [("127.0.0.1", 1)]}
    with pytest.raises(LibraryNotInstalled, match=install):
        make_region().configure(f"dogpile.cache.{backend}", arguments=arguments)


def test_an_error_inside_a_library_is_not_taken_for_its_absence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [n for n in sys.modules if n.split(".")[0] == "memcache"]:
        monkeypatch.delitem(sys.modules, name)
    with open(f"{tmp_path}/memcache.py", "w") as file:
        file.write("import no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        make_region().configure("dogpile.cache.memcached", arguments={"url": "x:1"})
