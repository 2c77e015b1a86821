# Everything a newcomer needs. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-installed
TEST_STAMP := $(VENV)/.test-installed
FRONTEND := exchange/web/frontend
FRONTEND_STAMP := $(FRONTEND)/node_modules/.package-lock.json
DEMO_DIRECTORY ?= $(shell mktemp -d -t dossier-demo-XXXXXX)
# Many tests wait for processes, browsers and disks: three workers keep two cores busy. Files in the order
# of their names: by their number of tests, the long files of few tests would come last, one worker each.
PYTEST_WORKERS ?= 3
PYTEST_SHARING := --dist loadfile --no-loadscope-reorder
FUZZ_SECONDS ?= 600

.PHONY: help run test test-engines lint fmt bench fuzz lock catalogue frontend policy-page clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(TEST_STAMP): requirements/test.txt $(RUN_STAMP)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/test.txt
	@touch $@

run: $(RUN_STAMP) ## play the whole story in a fresh directory
	$(BIN)/dossier demo --directory $(DEMO_DIRECTORY)

test: $(TEST_STAMP) ## run every test that this machine can run; says what it left out
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) $(PYTEST_SHARING)

test-engines: $(TEST_STAMP) ## run everything that is kept on PostgreSQL and a real S3 server, started here
	bash tests/integration/install_engines.sh
	$(BIN)/python -m tests.engines

lint: $(TEST_STAMP) ## format check, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(TEST_STAMP) ## format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(TEST_STAMP) ## paired measurements (docs/benchmarks.md)
	$(BIN)/python -m tests.bench

fuzz: $(TEST_STAMP) ## search every parser of a stranger's bytes, FUZZ_SECONDS each; what is found stops it
	mkdir -p .run/fuzz
	for target in header armor container dsse; do \
	  mkdir -p .run/fuzz/$$target; \
	  $(BIN)/python -m tests.fuzz $$target .run/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) \
	    -artifact_prefix=.run/fuzz/ || exit 1; \
	done

lock: ## compile requirements/*.txt, with hashes and without addresses (needs uv)
	for name in run test; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    requirements/$$name.in --output-file requirements/$$name.txt; \
	done

catalogue: $(TEST_STAMP) ## extract messages and compile the English catalogue
	$(BIN)/python -m exchange.locale.catalogue

$(FRONTEND_STAMP): $(FRONTEND)/package-lock.json
	cd $(FRONTEND) && npm ci --silent --ignore-scripts --no-audit --no-fund

frontend: $(FRONTEND_STAMP) ## type-check the pages' scripts and build the committed bundle (needs Node)
	cd $(FRONTEND) && npm run --silent check && npm run --silent build

policy-page: $(TEST_STAMP) ## print docs/policy.md from the code
	$(BIN)/python -m tests.support.policy_page

clean: ## remove what the targets made
	rm -rf $(VENV) $(FRONTEND)/node_modules .run .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
