# `make run` and `make test` set everything up on a fresh machine: they own the virtual environment in .venv.
#   make run ARGS="--preset smoke"     passes more options on
#   make test ARGS="-k dimuon"

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough and able to make virtual environments.
FIND_PYTHON = for python in $(PYTHON) python3 python3.12 python3.11 python3.13; do \
	if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then echo "$$python"; exit; fi; done

.PHONY: run test lint bench install clean help
.DEFAULT_GOAL := help

help:  ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/installed  ## install, then run every representation and model on ttbar, from collision to leaderboard
	$(BIN)/python -m benchmark run --task ttbar $(ARGS)

install: $(VENV)/installed  ## make .venv and install the package into it

test: $(VENV)/installed-test  ## install, then run the tests
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/installed-test  ## ruff, mypy --strict, and the imports' one direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/installed-bench  ## speed, side by side with peers
	$(BIN)/python -m pytest tests/performance --benchmark-only --override-ini "addopts=-ra" $(ARGS)

clean:  ## remove the environment and caches; results and event data stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@python="$$($(FIND_PYTHON))"; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 with venv was found. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 2; \
	fi; \
	"$$python" -m venv $(VENV)

# energyflow (GPLv3) asks for wasserstein, which holds numpy below 2; energy-flow polynomials need neither
ENERGYFLOW = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps energyflow==1.4.0 \
	|| echo "energyflow could not be installed: the representation energy_flow is skipped" >&2

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing into $(VENV): some minutes, most of them for torch"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@$(ENERGYFLOW)
	@touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing into $(VENV): some minutes, most of them for torch"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@$(ENERGYFLOW)
	@touch $@ $(VENV)/installed

# jetnet and wasserstein ask for numpy 1; what is compared here works with numpy 2
$(VENV)/installed-bench: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,bench]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps energyflow==1.4.0 jetnet==0.2.5 wasserstein==1.1.0
	@touch $@
