# make run: set up and serve · make test, make test-slow: set up and test · make lint: style and types
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
TEST := $(BIN)/python -m pytest

.PHONY: run test test-slow lint clean

run: $(VENV)/.run
	$(BIN)/python app.py

test: $(VENV)/.dev
	sh tests/browser/need_chromium.sh
	$(TEST) --numprocesses logical --maxprocesses 8 --dist worksteal -m 'not browser and not slow'
	$(TEST) -m 'browser and not slow' --reruns 1

test-slow: $(VENV)/.dev
	sh tests/browser/need_chromium.sh
	$(TEST) --numprocesses logical --maxprocesses 8 --dist worksteal -m 'not browser and slow'
	$(TEST) -m 'browser and slow' --reruns 1

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Perturber needs Python 3.11 or newer; name it: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $(VENV)/.run $@

clean:
	rm -rf $(VENV)
