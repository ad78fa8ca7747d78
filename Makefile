# Two commands do all the set-up: `make review` and `make test`. Needs Python >= 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Compiled modules are kept, or each process that starts would compile all of them again.
unexport PYTHONDONTWRITEBYTECODE
# An environment works only where it was made: in a copied or moved folder it is made again.
$(shell [ "$$(cat $(INSTALLED) 2>/dev/null)" = "$$(pwd -P)" ] || rm -f $(INSTALLED))

.DEFAULT_GOAL := help
.PHONY: help review quick test lab lock reference bench clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make review PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import os, sys; sys.exit("Rename or move this folder: installers cannot write into " + os.getcwd() if set(os.getcwd()) & set("$$\"`\\") else 0)'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@pwd -P > $@

review: $(INSTALLED) ## Install, check, analyse, run notebooks, export figures and hand-out, pack dist/
	$(BIN)/evidence build --html
	@mkdir -p dist
	@$(BIN)/python -m zipfile -c dist/ldn-review.zip site figures data README.md LICENSE LICENSE-DATA
	@echo "dist/ldn-review.zip: hand-out, slides, figures and tables; open site/index.html in it"

test: $(INSTALLED) ## Run the tests
	$(BIN)/ruff check src tests
	$(BIN)/python -m pytest

quick: $(INSTALLED) ## Run the tests that need no build, no page and no browser
	$(BIN)/ruff check src tests
	$(BIN)/python -m pytest -m "not slow"

# Settings and layout for reading: no question about news, code folded, contents at the side.
lab: export JUPYTER_CONFIG_PATH := $(CURDIR)/jupyter
lab: export JUPYTERLAB_WORKSPACES_DIR := $(CURDIR)/build/lab
lab: $(INSTALLED) ## Open JupyterLab on the first notebook, ready to read
	$(BIN)/jupyter lab workspaces import jupyter/reading.jupyterlab-workspace
	$(BIN)/jupyter lab --LabApp.default_url=/lab/workspaces/reading

lock: $(INSTALLED) ## Pin every version with hashes after pyproject.toml has changed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --extra test --extra build --generate-hashes --no-header --quiet -o requirements.lock

reference: ## Compute the reference values again with R metafor (needs R)
	Rscript tests/reference/reference.R
	Rscript tests/reference/analyses.R

bench: $(INSTALLED) ## Print the benchmark tables
	$(BIN)/python benchmarks/synthesis.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/build.py

clean: ## Remove the environment and caches
	rm -rf .venv build dist site src/*.egg-info .pytest_cache .ruff_cache .hypothesis
