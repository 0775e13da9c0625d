# What a fresh machine with Python 3.11 needs: `make run` and `make test` do all their own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup run test lint types lock

setup: $(VENV)/.installed

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Loads generated sample data into a private PostgreSQL, builds the datasets and serves them on 127.0.0.1:8000, lets a
# harvester fetch them, and watches both on 127.0.0.1:8090.
run: setup
	$(BIN)/floodmark demo --watch

test: setup lint types
	scripts/install-test-tools
	$(BIN)/pytest -n 2

lint: setup
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks

types: setup
	$(BIN)/mypy

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header -o requirements/run.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
		--group dev --all-extras -o requirements/dev.txt
