# `make demo` and `make test` need Python 3.11 and make; whichever runs first makes the one .venv.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3))
BIN := .venv/bin
STAMP := .venv/.installed
JOBS ?= 2

.PHONY: demo test test-long browser mutations lint lock clean

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 not found; set PYTHON=" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(STAMP)
	$(BIN)/deltaroi demo demo-out

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not long and not browser"

test-long: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "long and not browser"

browser: $(STAMP)
	$(BIN)/python -m pytest -m browser

# Every equality or recovery test fails under its one-line mutation; prints the failing assertions.
mutations: $(STAMP)
	$(BIN)/python scripts/mutations.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

# The lock file is made by uv (https://docs.astral.sh/uv/), which is not needed to use it.
lock:
	uv pip compile pyproject.toml --group dev --generate-hashes --no-header --no-annotate --python-version 3.11 -o requirements.lock

clean:
	rm -rf .venv demo-out build dist
