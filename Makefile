# make demo   the worked example on the red-wine data, written to demo/
# make test   every check: style, types, import floors, docs, tests
#
# Both set up a local environment in .venv the first time; nothing but Python 3.11 (or newer)
# and make is needed. Another interpreter: make test PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
BASE := $(VENV)/.installed-base
DEV := $(VENV)/.installed-dev
PEERS := $(VENV)/.installed-bench
PYTHON ?=
# Processes that share the tests; a file stays with one of them.
WORKERS ?= 2

# Figures are files here, whatever the machine's display; pip neither asks nor draws bars.
export MPLBACKEND := Agg
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_PROGRESS_BAR := off

INSTALL := $(BIN)/python -m pip install --quiet --editable

.PHONY: help demo test check coverage lint types floors docs slow bench clean distclean
.DEFAULT_GOAL := help

help:
	@echo "make demo    run the worked example on the red-wine data (writes demo/)"
	@echo "make test    run every check: ruff, mypy, import floors, docs, tests"
	@echo "make coverage run the tests and count the lines they reach"
	@echo "make slow    run the long statistical studies (pytest -m slow)"
	@echo "make docs    build the documentation into docs/_build/html"
	@echo "make bench   time infostat beside its peers"
	@echo "make clean   remove what the commands wrote (distclean: .venv too)"

demo: $(BASE)
	@mkdir -p demo
	$(BIN)/infostat pn dataset:wine_red --drop quality --family mvn --bootstrap 400 --seed 1 --plot demo/pn.png --report demo/report.html

# pytest comes last, so that the log ends with its closing line; each step stops at a failure.
test: $(DEV)
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory floors
	@$(MAKE) --no-print-directory docs
	@$(MAKE) --no-print-directory check

lint: $(DEV)
	$(BIN)/ruff check .

types: $(DEV)
	$(BIN)/mypy

floors: $(DEV)
	$(BIN)/lint-imports --config setup.cfg

docs: $(DEV)
	$(BIN)/sphinx-build -q -b html -W --keep-going docs docs/_build/html

check: $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# Not part of the tests: counting lines makes them half as slow again.
coverage: $(DEV)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --cov --cov-report=term

slow: $(DEV)
	$(BIN)/python -m pytest -m slow

# Which ones, and options: make bench BENCH="kde --threads 1"
bench: $(PEERS)
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf demo build dist docs/_build docs/gallery docs/figures docs/generated htmlcov .coverage
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./$(VENV) -prune -o -type d \( -name __pycache__ -o -name '*.egg-info' \) -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)

# The stamps are older than setup.cfg after a change of the dependencies, and only then is pip
# called again. A .venv without pip was interrupted while it was made: it is made anew.
$(BASE): setup.cfg pyproject.toml
	@if [ ! -x $(BIN)/python ] || [ ! -x $(BIN)/pip ]; then \
	  found=; \
	  for candidate in $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python); do \
	    if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then found=$$candidate; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "infostat needs Python 3.11 or newer with its venv module, and none was found." >&2; \
	    echo "Install it (on Debian: python3.11 and python3.11-venv), or name one:" >&2; \
	    echo "  make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$found (first time only; takes a few minutes)"; \
	  "$$found" -m venv --clear $(VENV); \
	fi
	@echo "Installing infostat into $(VENV)"
	@$(INSTALL) .
	@touch $@

$(DEV): $(BASE)
	@echo "Installing the tools for tests and documentation"
	@$(INSTALL) ".[test,docs,distributed]"
	@touch $@

$(PEERS): $(BASE)
	@echo "Installing the peers to compare with"
	@$(INSTALL) ".[bench]"
	@touch $@
