# Every target makes what it needs: `make demo` and `make test` work on a fresh machine
# with Python 3.10 or later and make.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test check bench soak fuzz matrix docs clean

help:
	@echo "make demo    render a page through the cache, set off a storm, and serve a page"
	@echo "make test    install what the tests need, servers too, and run them"
	@echo "make check   ruff, mypy and pyright"
	@echo "make bench   measure against other caches, side by side"
	@echo "make soak    serve pages for five minutes while connections and servers fail"
	@echo "make fuzz    feed what is read from outside with odd input; FUZZ_SECONDS for each area"
	@echo "make matrix  the tests that need no server, on every Python found"
	@echo "make docs    build the documentation"

demo: $(VENV)/demo.stamp
	$(BIN)/python -m examples.demo
	@echo
	@$(BIN)/python -m examples.flask_app

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/towncrier build --draft --version check >/dev/null

bench: $(VENV)/bench.stamp
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

soak: $(VENV)/test.stamp
	$(BIN)/python -W ignore -m tests.soak $(SOAK_ARGS)

fuzz: $(VENV)/fuzz.stamp
	$(BIN)/python -m fuzz $(FUZZ_ARGS)

matrix: $(VENV)/dev.stamp
	$(BIN)/nox

docs: $(VENV)/dev.stamp
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

clean:
	rm -rf $(VENV) .nox docs/_build demo-output dist

# One virtual environment; each stamp says what has been installed into it.

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "Python 3.10 or later is needed; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade 'pip>=25.1'
	touch $@

$(VENV)/demo.stamp: $(VENV)/made.stamp pyproject.toml
	$(INSTALL) --editable '.[mako,jinja2,flask,lmdb,redis]'
	touch $@

.PHONY: servers
servers:
	@tools/install-servers

$(VENV)/test.stamp: $(VENV)/made.stamp pyproject.toml | servers
	$(INSTALL) --editable '.[all,pylibmc]' --group test --group check
	touch $@

$(VENV)/bench.stamp: $(VENV)/test.stamp
	$(INSTALL) --group bench
	touch $@

$(VENV)/fuzz.stamp: $(VENV)/made.stamp pyproject.toml
	$(INSTALL) --editable '.[mako,jinja2,msgspec,zstandard]' --group fuzz
	touch $@

$(VENV)/dev.stamp: $(VENV)/test.stamp
	$(INSTALL) --group dev
	touch $@
