PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SANDBOX := runner/sandbox/vendor/bootcode.js
BUILT_FROM := pyproject.toml hatch_build.py $(wildcard runner/sandbox/npm/*)
BENCH_NPM := benchmarks/npm

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs collections bench clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/installed ## set up, then run the KIS mock collection against the built-in simulator
	$(BIN)/pabal run collections/kis-mock.postman_collection.json -e environments/kis-mock.postman_environment.json --simulate

test: $(VENV)/installed-test ## set up, then run the tests with line and branch coverage
	$(BIN)/pytest --cov --cov-report=term

lint: $(VENV)/installed-lint ## ruff, mypy and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-lint ## let ruff format the code and sort the imports
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

docs: $(VENV)/installed-docs ## make the site of docs/ in build/docs; links that lead nowhere are errors
	@rm -rf build/docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --doctree-dir build/doctrees --fresh-env docs build/docs

collections: $(VENV)/installed ## write collections/ and environments/ anew from the KIS catalogue
	$(BIN)/python -m runner.kis.publish

bench: $(VENV)/installed $(BENCH_NPM)/node_modules/installed ## pabal against Newman, side by side (BENCH="--quick --only W1,W2")
	$(BIN)/python -m benchmarks $(BENCH)

clean: ## remove the virtual environment and what was built
	rm -rf $(VENV) build dist $(dir $(SANDBOX)) $(BENCH_NPM)/node_modules

$(VENV)/installed: $(BUILT_FROM) $(if $(wildcard $(SANDBOX)),,FORCE)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-%: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group $*
	@touch $@

$(BENCH_NPM)/node_modules/installed: $(BENCH_NPM)/package-lock.json
	npm ci --prefix $(BENCH_NPM) --ignore-scripts --no-audit --no-fund
	@touch $@
