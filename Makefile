# fvx from a fresh clone: `make demo` and `make test` need Python 3.11 or later, make and a
# package index. Both work in .venv, which whichever comes first makes.

CANDIDATES := python3.11 python3 python3.12 python3.13 python3.14
RECENT := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
# The first that starts: a version manager's stand-in may be there and yet do nothing.
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(RECENT)' 2>/dev/null && echo $$p && break; done)

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 2
PROJECTS := $(sort $(wildcard plugins/*/pyproject.toml))
EDITABLE := $(foreach project,$(PROJECTS),-e $(patsubst %/,%,$(dir $(project))))
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install -c constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test lint bench bench-detection docs dist version clean

help:
	@echo "make demo     run the whole pipeline on the embedded corpus (no network needed once installed)"
	@echo "make test     run the tests, $(JOBS) at a time (JOBS=4, ARGS='-k windows')"
	@echo "make lint     check style, types and import contracts"
	@echo "make bench    run the benchmarks"
	@echo "make bench-detection STORE=… FOLDS=folds.csv   train and judge by folds of sources"
	@echo "make docs     write the generated pages, run the Start page, build the site into site/"
	@echo "make dist     build wheels and sdists into dist/, check them and install from them"
	@echo "make version  list where the version stands; V=0.2.0 writes another everywhere"
	@echo "make install  make .venv with fvx and its plugins; the others do this by themselves"
	@echo "make clean    remove .venv and all caches"

install: $(STAMP)

demo: $(STAMP)
	@echo "fvx: running the demo"
	@$(BIN)/fvx demo

test: $(STAMP)
	@echo "fvx: running the tests, $(JOBS) at a time"
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

lint: $(STAMP)
	@echo "fvx: checking style, types and import contracts"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: $(STAMP)
	@for script in benchmarks/*.py; do echo "fvx: running $$script"; $(BIN)/python $$script || exit; done

bench-detection: $(STAMP)
	@test -n "$(STORE)" && test -n "$(FOLDS)" || \
		{ echo "fvx: name a store and its folds: make bench-detection STORE=… FOLDS=…" >&2; exit 2; }
	@mkdir -p runs/folds
	@$(BIN)/python training/sources.py $(STORE) --folds $(FOLDS) --work runs/folds \
		--json runs/folds/figures.json $(ARGS)

docs: $(STAMP)
	@$(BIN)/python docs/make_features.py
	@$(BIN)/python release/licences.py
	@$(BIN)/python docs/make_api.py
	@$(BIN)/python docs/make_cli.py
	@$(BIN)/python docs/make_python.py
	@$(BIN)/python docs/make_start.py
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "wrote site/index.html"

dist: $(STAMP)
	@echo "fvx: building wheels and sdists into dist/"
	@$(PIP) --group dist
	@rm -rf dist
	@for folder in . $(dir $(PROJECTS)); do \
		$(BIN)/python -m build --no-isolation --outdir dist $$folder >/dev/null || exit; done
	@$(BIN)/python -m twine check --strict dist/*
	@FVX_DIST=dist $(BIN)/python -m pytest -q tests/packaging $(ARGS)

version: $(STAMP)
	@$(BIN)/python release/version.py $(V)

clean:
	@echo "fvx: removing .venv and caches"
	@rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -rf *.egg-info plugins/*/*.egg-info plugins/*/build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip is renewed first: the one that comes with Python 3.11 knows no dependency groups.
$(STAMP): pyproject.toml constraints.txt $(PROJECTS)
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(RECENT)' || \
		{ echo "fvx: needs Python 3.11 or later, with venv; name one: make PYTHON=…" >&2; exit 1; }
	@if test -x $(BIN)/python; then echo "fvx: bringing .venv up to date …"; else \
		echo "fvx: creating .venv and installing (first time only, some minutes) …"; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) pip
	@$(PIP) --group dev --group docs -e ".[all]" $(EDITABLE)
	@touch $@
