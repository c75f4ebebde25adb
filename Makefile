# Every target does its own set-up first: tools/setup.sh installs what is missing
# and costs a tenth of a second when nothing is. `make help` lists the targets.

# Not PYTHON: that one is the user's, for tools/setup.sh.
VENV_PYTHON := .venv/bin/python
SEED ?= 1
SECONDS ?= 600
BENCH ?= --fast

.DEFAULT_GOAL := help
.PHONY: help setup setup-goto demo test test-cluster test-cpython test-ecosystem nightly-variants fuzz bench bench-pgo nightly-pgo-python lint asan format clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## */  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

setup:  ## packages, virtual environment, build (what every other target does first)
	@tools/setup.sh

setup-goto: setup
	@tools/setup.sh goto

demo: setup  ## real programs, stock against fullspeed, about two minutes
	@$(VENV_PYTHON) demo/run.py

test: setup setup-goto  ## the quick test suite, with both builds of the interpreter
	@$(VENV_PYTHON) tools/run_tests.py

test-cluster: setup  ## Dask and MPI, several workers with other CPU features each
	@tools/setup.sh cluster
	@$(VENV_PYTHON) tools/run_tests.py --build tail --only cluster

test-cpython: setup  ## all of CPython's own regression tests (long)
	@$(VENV_PYTHON) tests/cpython/run.py --full

test-ecosystem: setup  ## test suites of packages from PyPI (long)
	@$(VENV_PYTHON) tests/ecosystem/run.py

nightly-variants: setup  ## real projects from PyPI with variants: their own tests at each level (long)
	@tools/setup.sh cross
	@$(VENV_PYTHON) -m pytest tests/variant/test_variant_real.py --nightly -q

fuzz: setup  ## differential fuzzing: make fuzz SECONDS=600 SEED=1
	@$(VENV_PYTHON) tests/fuzz/fuzz.py --seconds $(SECONDS) --seed $(SEED)

bench: setup  ## pyperformance and micro benchmarks: make bench BENCH=--full
	@$(VENV_PYTHON) bench/run.py $(BENCH)

bench-pgo: setup  ## what a profile alone gains on real extension modules (docs/guide/pgo.md)
	@$(VENV_PYTHON) bench/pgo/run_pgo.py

nightly-pgo-python: setup  ## CPython from Debian's source with LTO and PGO: tested, compared (an hour)
	@$(VENV_PYTHON) tests/pgo/nightly_python.py

lint: setup  ## style and layering checks
	@$(VENV_PYTHON) tools/run_tests.py --only lint

asan: setup  ## unit, diff and array tests, fuzzers with ASan and UBSan
	@tools/setup.sh asan
	@$(VENV_PYTHON) tools/run_asan.py

format: setup  ## format C and Python sources in place
	@$(VENV_PYTHON) tools/run_format.py

clean:  ## remove everything that was built, the virtual environments too
	rm -rf build .venv .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
