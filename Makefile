# `make demo` and `make test` set up everything they need in .venv; both are cheap to repeat.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test lint clean

help:
	@echo "make demo   judge a recurrent network against ARIMA on the euro's exchange rates"
	@echo "make test   run the linters, the type checker and the tests"
	@echo "make lint   run the linters and the type checker only"
	@echo "make clean  remove .venv and what the tools left behind"

demo: $(VENV)/.installed
	$(BIN)/tsrnn backtest datasets/prices.csv

# One process for each core, and one thread in each.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal --durations 15

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "tsrnn needs Python 3.10 or newer; try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(INSTALL) --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
