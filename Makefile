# What people run here; `make help` lists it. Everything does its own set-up and may be run twice.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

.PHONY: help setup test lint demo bench

help: ## list these
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## get what tests and demo need: PostgreSQL, real Prisma 7 and 6
	@tests/setup.sh

test: setup ## run every test
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked; else cargo test --locked --quiet; fi

lint: ## check format and lints
	@cargo fmt --check
	@cargo clippy --locked --all-targets --quiet -- -D warnings
