# Everything a developer or an operator starts by hand. Needs make, a POSIX shell and Python 3.11
# or newer; all else is installed into .venv, which is safe to delete.

.POSIX:
.PHONY: help demo demo-reset test check format bench setup lock runtime development

VENV = .venv
PY = $(VENV)/bin/python
# Which Python makes the environment; by default the first one here that is new enough.
PYTHON =
# Passed on: make test ARGS="-k quote -n 0", make lock ARGS=--upgrade
ARGS =
CODE = app.py wsgi.py models.py blueprints portico

help:
	@echo "make demo        start a demonstration on http://127.0.0.1:$${PORT:-8000} (PORT=... for another port)"
	@echo "make demo-reset  remove the demonstration's data; the next start is fresh"
	@echo "make test        run the tests (ARGS=... goes to pytest)"
	@echo "make check       style, types, templates, security, guards"
	@echo "make format      put code and templates into the house's form"
	@echo "make bench       measure (ARGS=... goes to the benchmarks)"
	@echo "make setup       install what runs, what tests and what checks, and do nothing else"
	@echo "make lock        compile requirements*.in into requirements*.txt (ARGS=--upgrade)"

demo: runtime
	@exec $(PY) -m flask --app app demo $(ARGS)

demo-reset: runtime
	@exec $(PY) -m flask --app app demo --reset-only

# A worker has servers of its own, so more than a few of them cost more than they bring.
test: development
	@exec $(PY) -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: development
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy $(CODE) tests
	$(PY) -m djlint --quiet --lint templates
	$(PY) -m djlint --quiet --check templates
	$(PY) -m bandit --quiet --configfile pyproject.toml --recursive $(CODE)
	$(PY) -m pytest --quiet tests/guards --ignore tests/guards/test_servers.py

format: development
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	-$(PY) -m djlint --quiet --reformat templates

bench: development
	@exec $(PY) -m benchmarks $(ARGS)

setup: runtime development

# The settings of a local package index must not leak into the files that everybody installs from.
lock: development
	@unset UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_DEFAULT_INDEX UV_FIND_LINKS; \
	compile() { \
	    $(VENV)/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	        --generate-hashes --custom-compile-command 'make lock' $(ARGS) "$$@"; \
	}; \
	compile requirements.in --output-file requirements.txt && \
	compile requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt

# --- the environment --------------------------------------------------------------------------

runtime:
	@needs=requirements.txt; $(INSTALL)

development:
	@needs=requirements-dev.txt; $(INSTALL)

# Makes the environment if there is none that works, and installs $needs unless exactly this file
# is in already. Its checksum decides, not its date: a checkout touches files without changing them.
INSTALL = set -eu; \
	if ! $(PY) -c '$(NEW_ENOUGH)' 2>/dev/null; then \
	    python=; \
	    for each in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	        if "$$each" -c '$(NEW_ENOUGH)' 2>/dev/null; then python=$$each; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then \
	        found=$$(python3 --version 2>/dev/null) || found='no python3'; \
	        echo "Portico needs Python 3.11 or newer; here is $$found." >&2; \
	        echo "Install one, or name it: make $@ PYTHON=/path/to/python3" >&2; \
	        exit 1; \
	    fi; \
	    rm -rf $(VENV); \
	    if ! "$$python" -m venv $(VENV); then \
	        rm -rf $(VENV); \
	        echo "This Python cannot make environments. On Debian and Ubuntu: apt install python3-venv" >&2; \
	        exit 1; \
	    fi; \
	fi; \
	stamp=$(VENV)/.installed-$$needs; \
	now=$$(cksum < $$needs); \
	if [ "$$(cat $$stamp 2>/dev/null)" != "$$now" ]; then \
	    echo "Installing $$needs into $(VENV) ..."; \
	    $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $$needs; \
	    echo "$$now" > $$stamp; \
	fi
NEW_ENOUGH = import sys, ssl; sys.exit(sys.version_info < (3, 11))
