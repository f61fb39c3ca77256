# `make run` and `make test` install everything on a fresh machine, into the virtual environment .venv.
#   make run ARGS="--preset smoke"     passes options on to the command
#   make test ARGS="-k dimuon"         passes options on to pytest; ARGS="-n 0" runs the tests in one process

VENV := .venv
BIN := $(VENV)/bin
# The first Python of a supported version that can make virtual environments.
FIND_PYTHON = for python in $(PYTHON) python3 python3.12 python3.11 python3.13; do \
	if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then echo "$$python"; exit; fi; done

.PHONY: run test test-slow faults lint bench install clean help
.DEFAULT_GOAL := help

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/installed  ## install, then run all representations and models on ttbar and show the leaderboard
	$(BIN)/python -m benchmark run --task ttbar $(ARGS)

install: $(VENV)/installed  ## create .venv and install the package into it

test: $(VENV)/installed-test  ## install, then run the tests, one process per core
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-slow: $(VENV)/installed-test  ## run the slow tests, which `make test` leaves out
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow $(ARGS)

faults: $(VENV)/installed-test  ## kill commands, fill disks, run many at once: long, and ends with a table
	rm -f faults.jsonl
	-FAULTS_OUTPUT=faults.jsonl $(BIN)/python -m pytest tests/faults -m "slow or not slow" $(ARGS)
	$(BIN)/python -m tests.faults.kills --kills 100 --changes --output faults.jsonl
	$(BIN)/python -m tests.faults.disks --output faults.jsonl
	$(BIN)/python -m tests.faults.soak --output faults.jsonl
	$(BIN)/python -m tests.faults.report faults.jsonl

lint: $(VENV)/installed-test  ## check style (ruff), types (mypy --strict) and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-bench  ## measure speed, next to other packages
	$(BIN)/python -m pytest tests/performance --benchmark-only --override-ini "addopts=-ra" $(ARGS)

clean:  ## remove the environment and caches; keep results and event data
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@python="$$($(FIND_PYTHON))"; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 with venv was found. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 2; \
	fi; \
	"$$python" -m venv $(VENV)

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# pip compiles modules in one process, which is most of the time that it takes
COMPILE := $(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true

# energyflow (GPLv3) asks for wasserstein, which holds numpy below 2; energy-flow polynomials need neither
ENERGYFLOW = $(PIP) --no-deps energyflow==1.4.0 \
	|| echo "energyflow could not be installed: the representation energy_flow is skipped" >&2

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV). This takes a few minutes, most of them for torch."
	$(PIP) --constraint constraints.txt --editable .
	@$(ENERGYFLOW)
	@$(COMPILE)
	@touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV). This takes a few minutes, most of them for torch."
	$(PIP) --constraint constraints.txt --editable '.[test]'
	@$(ENERGYFLOW)
	@$(COMPILE)
	@touch $@ $(VENV)/installed

# jetnet and wasserstein ask for numpy 1; what is compared here works with numpy 2
$(VENV)/installed-bench: $(VENV)/installed-test
	$(PIP) --constraint constraints.txt --editable '.[test,bench]'
	$(PIP) --no-deps energyflow==1.4.0 jetnet==0.2.5 wasserstein==1.1.0
	@$(COMPILE)
	@touch $@
