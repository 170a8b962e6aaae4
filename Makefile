# Ratehouse. `make warehouse` sets everything up and builds; `make help` lists the rest.
# Needs make and Python 3.11 to 3.14, nothing else.

PYTHON ?= python3
VENV   := .venv

# These come from make's command line only: a shell that happens to export ROOT or MONTH must not redirect a build.
WORDS  := ROOT WORKERS PARTITION MONTH TARGET ARGS FORCE SQL
$(foreach word,$(WORDS),$(if $(filter command,$(origin $(word))),,$(eval $(word) :=)))
export $(WORDS)

# The words reach the commands through the environment, so that no quote in a partition's name is read by the shell.
RATEHOUSE := $(VENV)/bin/ratehouse $(if $(ROOT),--root "$$ROOT")
READY     := $(VENV)/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup warehouse test test-rest test-all check faults bench bench-reader bench-reference sample scheduler dashboard status rerun why query sources partitions stats verify docs clean

help: ## list what make can do
	@echo "make TARGET [ROOT=folder of the warehouse] …"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything in it (other targets do so when needed)

warehouse: $(READY) ## build what is missing or out of date [WORKERS=n] [MONTH=2025-08]
	@$(RATEHOUSE) build $${WORKERS:+--workers "$$WORKERS"} $${MONTH:+--month "$$MONTH"}

status: $(READY) ## say what is built, missing, stale or failed
	@$(RATEHOUSE) status

rerun: need-PARTITION $(READY) ## build one leaf again: PARTITION='payer_slug=…/…' MONTH=2025-08 [FORCE=1: where it is up to date, too]
	@$(RATEHOUSE) rerun $${FORCE:+--force} $${MONTH:+--month "$$MONTH"} -- "$$PARTITION"

why: need-TARGET $(READY) ## say why something would be built: TARGET=table, table:2025-08, path or partition
	@$(RATEHOUSE) why -- "$$TARGET"

query: need-SQL $(READY) ## ask the catalog: SQL='SELECT …'
	@$(RATEHOUSE) query -- "$$SQL"

sources: $(READY) ## list the in-network files, and what was read of each
	@$(RATEHOUSE) sources

partitions: $(READY) ## list the leaves, with their rows and bytes
	@$(RATEHOUSE) partitions

stats: $(READY) ## show the space and time that the leaves cost [ARGS=--disk: what everything takes on disk]
	@$(RATEHOUSE) stats $(ARGS)

verify: $(READY) ## find files that are missing, extra or damaged [ARGS='--deep --repair']
	@$(RATEHOUSE) verify $(ARGS)

docs: $(READY) ## open the Data Docs of the last build
	@$(RATEHOUSE) docs

scheduler: $(READY) ## run Luigi's scheduler in the foreground, for this machine only
	@$(RATEHOUSE) scheduler

dashboard: $(READY) ## print and open the scheduler's address
	@$(RATEHOUSE) dashboard

sample: $(READY) ## write the generated sample of raw files [ROOT=folder]
	@$(RATEHOUSE) sample -- "$${ROOT:-data}"

# Two processes; what several files only read is built once for all of them (tests/conftest.py).
PYTEST := $(VENV)/bin/python -m pytest -n 2

test: $(READY) ## test each part, and the whole on real and generated files [ARGS='-k word']
	@$(PYTEST) -m "not slow" $(ARGS)

test-rest: $(READY) ## run the tests that `make test` leaves out [ARGS='-k word']
	@$(PYTEST) -m slow $(ARGS)

test-all: $(READY) ## run all tests, each once [ARGS='-k word']
	@$(PYTEST) $(ARGS)

check: $(READY) ## lint, format, and what `make test` runs without a browser [ARGS='-k word']
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(PYTEST) -q -m "not slow and not browser" $(ARGS)

bench: $(READY) ## measure the whole pipeline beside its baselines [ARGS='--facts 3000000 --leaves 138000 --folder DIR']
	@$(VENV)/bin/python tests/bench/warehouse.py $(ARGS)

bench-reader: $(READY) ## measure the in-network reader beside ijson, on 1 GB [ARGS='file.json.gz --sizes 100 500']
	@$(VENV)/bin/python tests/bench/reader.py $(ARGS)

bench-reference: $(READY) ## measure reading reference files: a generated registry of 1 GB [ARGS='--megabytes 100']
	@$(VENV)/bin/python tests/bench/registry.py $(ARGS)

# Alone, one after another: some of it is about time. RATEHOUSE_SCRIPTS and RATEHOUSE_MOMENTS say how many, RATEHOUSE_SEED which.
FAULTS := tests/fault_injection tests/operations/test_verify.py tests/sources/test_upgrade.py
faults: $(READY) ## break builds at every step, and see that the next one mends it (an hour or two) [ARGS='-k word']
	@RATEHOUSE_CAMPAIGN=1 $(VENV)/bin/python -m pytest -rA --no-header $(FAULTS) $(ARGS)

# What a build makes under its root; raw/ and what else stands there is not ours to remove.
BUILT := .objects .scratch .state bench dims docs geocoding gold quarantine staged warehouse.duckdb warehouse.duckdb.wal xrefs

clean: ## remove what was built, never raw files [ROOT=folder, FORCE=1: rows without a raw file, too]
	@root="$${ROOT:-$${RATEHOUSE_ROOT:-data}}"; \
	if [ ! -d "$$root/raw" ]; then echo "$$root: holds no raw/, so it is no warehouse; nothing removed" >&2; exit 2; fi; \
	if [ "$$FORCE" != 1 ] && [ -d "$$root/.state/stamps/staged" ]; then \
	    if [ ! -x $(VENV)/bin/python ]; then echo "$$root: whether its raw files are all there can be told after: make setup" >&2; \
	        echo "  or, to remove what was built whatever is lost: make clean FORCE=1" >&2; exit 2; fi; \
	    $(VENV)/bin/python -m pipeline.cli.kept "$$root" || exit 2; fi; \
	for name in $(BUILT); do rm -rf -- "$$root/$$name"; done; \
	echo "removed what was built under $$root; make warehouse builds it again"

# The lock names every package with its version, so pip has nothing to resolve (--no-deps). It passes over what a
# package claims about Python versions because Luigi 3.8.1 still excludes 3.14 (pyproject.toml says more); wheels
# only, so that a Python without a wheel fails in plain words here and not in a compiler. The environment is made
# anew when it is another Python's. Last, what Numba compiles is compiled, so that no first build waits for it.
$(READY): requirements.lock pyproject.toml
	@$(call usable_python)
	@if [ "$$($(VENV)/bin/python -c $(VERSION) 2>/dev/null)" != "$$($(PYTHON) -c $(VERSION))" ]; then \
	    echo "making $(VENV) with $$($(PYTHON) --version); this takes a minute or two, once"; \
	    $(PYTHON) -m venv --clear $(VENV); fi
	@$(PIP) --only-binary :all: --ignore-requires-python -r requirements.lock
	@$(PIP) --no-build-isolation -e .
	@$(VENV)/bin/python -m pipeline.operations.warm_up
	@touch $@

PIP     = $(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps
VERSION = 'import sys; print(sys.version)'

define usable_python
command -v "$(PYTHON)" >/dev/null || { \
    echo "$(PYTHON): no such program; Ratehouse needs Python 3.11 to 3.14" >&2; \
    echo "  make setup PYTHON=path/of/python" >&2; exit 2; }; \
$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { \
    echo "$(PYTHON): is $$($(PYTHON) --version 2>&1), Ratehouse needs Python 3.11 to 3.14" >&2; \
    echo "  make setup PYTHON=path/of/another/python" >&2; exit 2; }; \
$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
    echo "$(PYTHON): cannot make virtual environments, its venv or ensurepip is missing" >&2; \
    echo "  on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
endef

# A variable without which a target makes no sense; asked for before anything is set up.
EXAMPLE_PARTITION := PARTITION='payer_slug=acme/state=GA/…' MONTH=2025-08
EXAMPLE_TARGET    := TARGET=fact_rate:2025-08
EXAMPLE_SQL       := SQL='SELECT table_name, rows FROM table_files'
need-%:
	@[ -n "$$$*" ] || { echo "make $(MAKECMDGOALS): $* is not given" >&2; \
	    echo "  make $(MAKECMDGOALS) $(EXAMPLE_$*)" >&2; exit 2; }
