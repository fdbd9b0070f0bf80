# `make help` lists the targets. Long work lives in scripts/ and xtask/, not here.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
# The steps of a target follow each other; cargo and nextest use all cores by themselves.
.NOTPARALLEL:

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

.PHONY: fmt lint tidy
fmt: ## format everything
	cargo fmt --all

lint: ## formatting and clippy, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

tidy: ## the rules of the house (CONTRIBUTING.md)
	cargo xtask tidy

.PHONY: test-deps test-bins test-peers test test-fast test-full test-dashboard journeys screenshots
test-deps: ## what the tests need: installed when root, named otherwise
	@scripts/test-deps.sh

# End-to-end tests start the real binaries. They are built with all tests, since cargo makes features one over what is built
# together: the two alone would have other features of tokio, serde_json and fail, and all that uses those, which is every
# crate of ours and the largest of others, would be compiled a second time for the tests.
test-bins:
	cargo build --workspace --all-targets

# Programs of others that speak the Model Context Protocol, with the Node they need; as npm pins them.
test-peers:
	@[ -e tests/mcp/node_modules/.package-lock.json ] && [ ! tests/mcp/package-lock.json -nt tests/mcp/node_modules/.package-lock.json ] || \
	  (cd tests/mcp && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)

test-dashboard: ## the dashboard's types, rooms, unit tests and budgets
	@scripts/dashboard.sh test

# A browser, the real binaries, and people's ways through the pages.
journeys: dashboard test-bins
	cd web && node e2e/run.mjs

screenshots: dashboard test-bins ## every page, theme and width, into web/screenshots
	cd web && node e2e/screenshots.mjs

# The summary of nextest stays the last output: CI reads it.
test: test-deps lint tidy test-dashboard test-peers journeys ## everything but the longest tests
	cargo nextest run --workspace --profile ci

test-fast: ## no whole systems and no sweeps (.config/nextest.toml); run it at every save
	cargo nextest run --workspace --exclude sf-e2e --profile fast

test-full: export SF_FULL := 1
test-full: test-deps lint tidy test-dashboard test-peers journeys ## with the long seeds and sweeps
	cargo nextest run --workspace --profile full --run-ignored all

# Where cargo puts what it builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: dashboard build run stop reset
dashboard: ## the dashboard's files, where its sources changed
	@scripts/dashboard.sh

build: ## the two programs, as they are released
	@scripts/build-deps.sh
	@scripts/dashboard.sh
	cargo build --release -p serverflow
	cargo build --profile agent -p serverflow-agent

run: build ## control plane, agent and an example app on this machine (PORT= moves it)
	@$(TARGET)/release/serverflow up --agent $(TARGET)/agent/serverflow-agent $(if $(PORT),--port $(PORT))

stop: ## end everything that `make run` started
	@scripts/serverflow.sh down

reset: ## the same, and delete its data (asks; YES=1 does not)
	@scripts/serverflow.sh reset $(if $(YES),--yes)

.PHONY: bench
bench: ## the promises in numbers, one JSON line each (BENCH_AGENTS=15000 for the full swarm)
	cargo run --release --quiet -p sf-bench

.PHONY: bench-deploy
bench-deploy: test-deps build ## what users notice of deploys, one JSON line each (BENCH_DEPLOYS=10 for fewer)
	cargo run --release --quiet -p sf-bench -- deploy $(TARGET)/release/serverflow $(TARGET)/agent/serverflow-agent

.PHONY: bench-panel
bench-panel: test-deps build ## what the panel promises, one JSON line each (as root, a million files and 1,000 servers: some minutes)
	cargo run --release --quiet -p sf-bench -- panel $(TARGET)/release/serverflow $(TARGET)/agent/serverflow-agent

.PHONY: bench-mcp
bench-mcp: ## what a call of an AI host takes, one JSON line each
	cargo run --release --quiet -p sf-bench -- mcp

.PHONY: bench-workflow
bench-workflow: ## the promises about workflows, one JSON line each
	cargo run --release --quiet -p sf-bench -- workflow

.PHONY: bench-build
bench-build: ## builds: the hot path against doing everything, and an app beside a build that burns its budget
	SF_BENCH=1 cargo nextest run -p sf-agent --test daemon --profile full --run-ignored only --no-capture measured::
