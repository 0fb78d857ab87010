# Spellbook Studio: one target for each thing people do here. Plain make 3.81 (macOS) is enough.
#
#   make run ARGS="--port 8000"          flags of app.py
#   make test ARGS="tests/test_floors.py -x"
#   make run PYTHON=/path/to/python3.12  a particular Python, when .venv does not exist yet

VENV ?= .venv
ARGS ?=

# The first of these that is new enough; python3 is often the system's and too old on macOS.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
CODE := studio tests app.py pocket presets
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev

# Modules are compiled when they are imported and kept: a start that may not keep them compiles torch anew each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format bench gpu check-catalog check-book lock clean

help:
	@echo "make run     set up and serve the page on http://127.0.0.1:7860"
	@echo "make test    set up and run the tests"
	@echo "make lint    ruff and mypy"
	@echo "make format  lay the code out as make lint wants it"
	@echo "make bench   measure and print the tables (ARGS=\"--json PATH\" writes them too)"
	@echo "make gpu     the tests and measures that need a GPU"
	@echo "make check-catalog  look every repository of models.yaml up on its hub (needs a network)"
	@echo "make check-book  count the spellbook's chapters and tell what is wrong with them"
	@echo "make lock    pin requirements*.txt anew"
	@echo "make clean   remove caches (not .venv, not data)"

$(PY):
	@test -n "$(PYTHON)" || { \
		echo "Spellbook Studio needs Python 3.11 or newer, and none was found."; \
		echo "Install one, or name it: make run PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Spellbook Studio needs Python 3.11 or newer; $(PYTHON) is older or does not run."; exit 1; }
	@# Half an environment would be taken for a whole one the next time.
	$(PYTHON) -m venv $(VENV) || { rm -f $(PY); exit 1; }

# The lock is complete, so --no-deps installs exactly what was tested and nothing besides.
# A stamp newer than the lock means: nothing to do. Compiled is what is imported, when it is: all of it at once takes
# half of the installation's time, and most of it is never asked for.
$(RUN): requirements.lock | $(PY)
	$(PIP) install --quiet --no-deps --no-compile -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	$(PIP) install --quiet --no-deps --no-compile -r requirements-dev.lock
	@touch $@

setup: $(RUN)

run: $(RUN)
	$(PY) app.py $(ARGS)

test: $(DEV)
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: $(DEV)
	$(PY) -m ruff check $(wildcard $(CODE))
	$(PY) -m ruff format --check $(wildcard $(CODE))
	$(PY) -m mypy

format: $(DEV)
	$(PY) -m ruff check --fix $(wildcard $(CODE))
	$(PY) -m ruff format $(wildcard $(CODE))

bench: $(DEV)
	$(PY) -m tests.bench $(ARGS)

gpu: $(DEV)
	$(PY) -m tests.gpu $(ARGS)

# Exit status 2: there is no network, and nothing was checked.
check-catalog: $(DEV)
	$(PY) -m tests.check_catalog $(ARGS)

check-book: $(RUN)
	$(PY) -m studio.spellbook $(ARGS)

# Universal: one lock for Linux, macOS and Windows, from Python 3.11 on. No index is written into it.
lock: | $(PY)
	$(PIP) install --quiet uv
	for name in requirements requirements-dev; do \
		$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links $$name.txt -o $$name.lock $(ARGS) || exit 1; done

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find $(wildcard $(CODE)) -name __pycache__ -type d -prune -exec rm -rf {} +
