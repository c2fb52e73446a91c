# `make help` lists what there is. Every target does its own set-up.
.DEFAULT_GOAL := help
.PHONY: help setup run check test bench faults fuzz lock schema rules clean
SHELL := /bin/bash
BIN := .venv/bin
N ?= 100
FEEDS ?= 20000
SEED ?= $(shell date +%s)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install everything: virtual environment, PostgreSQL, Apache Kafka
	@bash deploy/setup.sh

run: setup ## run everything with a demonstration feed of 20,000 records, until Ctrl-C
	@$(BIN)/uscc up --demo 20000

check: setup ## format, lint, types, import contracts, unit and property tests: seconds, no services
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q -n 2 tests/unit tests/property

test: setup ## the whole test suite, against real PostgreSQL and real Kafka
	@$(BIN)/pytest -q -n 2 --dist loadfile

bench: setup ## the benchmarks of performance
	@$(BIN)/python -m tests.bench

faults: setup ## the long fault run, N=100 rounds
	@FAULT_ROUNDS=$(N) $(BIN)/pytest -q --timeout 0 tests/faults

fuzz: setup ## the long fuzz run: of the properties, and of the API by its own OpenAPI (FUZZ_EXAMPLES=200)
	@$(BIN)/pytest -q --timeout 0 --hypothesis-profile long tests/property
	@FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-200} $(BIN)/pytest -q --timeout 0 tests/e2e/test_fuzz.py

lock: setup ## compile requirements/*.txt anew from pyproject.toml and requirements/dev.in
	@$(BIN)/pip-compile -q --strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--no-header -o requirements/run.txt pyproject.toml
	@$(BIN)/pip-compile -q --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--no-header -c requirements/run.txt --extra embedded --extra spark -o requirements/dev.txt pyproject.toml requirements/dev.in
	@$(BIN)/pip-compile -q --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--no-header -o requirements/build.txt requirements/build.in

schema: setup ## write sync/store/schema.sql anew from the migrations
	@$(BIN)/python -m tests.schema sync/store/schema.sql

rules: setup ## write docs/rules.md anew from the rulebook
	@$(BIN)/python -m tests.rules_page docs/rules.md

clean: ## remove what was installed and what ran here
	rm -rf .venv .uscc deploy/kafka/target build *.egg-info
