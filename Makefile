# What people run here; `make help` lists it. Everything does its own set-up and may be run twice.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# Prisma's native engine, or its stand-in where Prisma's host is out of reach (tests/fixtures/schema-engine.mjs)
ifeq ($(PRISMA_SAFE_TEST_NATIVE),1)
ENGINE :=
else
ENGINE := PRISMA_SCHEMA_ENGINE_BINARY="$(CURDIR)/tests/fixtures/prisma7/schema-engine.mjs"
endif

.PHONY: help setup test soak lint windows demo bench eval

help: ## list these
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## get what tests and demo need: PostgreSQL, real Prisma 7 and 6
	@tests/setup.sh

test: setup ## run every test
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked; else cargo test --locked --quiet; fi
	@cd npm && node --test --test-reporter=dot

# SEED=n CASES=1 plays one case again, and shows all of it
soak: ## prove by CASES=1000 made-up migrations, from SEED=1 on, that nothing is lost
	@CASES=$(or $(filter-out %.jsonl,$(CASES)),1000) SEED=$(or $(SEED),1) \
		cargo test --locked --quiet --lib proof:: -- --nocapture

lint: ## check format and lints
	@cargo fmt --check
	@cargo clippy --locked --all-targets --quiet -- -D warnings

# needs the target (rustup target add x86_64-pc-windows-gnu) and a C compiler for it (gcc-mingw-w64-x86-64)
windows: ## check that it compiles for Windows
	@cargo clippy --locked --quiet --target x86_64-pc-windows-gnu --target-dir target/windows -- -D warnings

demo: setup ## watch a rename reach production, on a scratch database
	@$(ENGINE) cargo run --locked --quiet -- demo --prisma-from tests/fixtures/prisma7 $(DEMO)

bench: setup ## compare with plain Prisma, pg_dump and squawk, as ratios
	@cargo bench --locked --quiet --bench overhead
	@cargo bench --locked --quiet --bench beside
	@cargo bench --locked --quiet --bench draft
	@cargo bench --locked --quiet --bench backup
	@cargo bench --locked --quiet --bench rehearsal
	@cargo bench --locked --quiet --bench deploy
	@cargo bench --locked --quiet --bench backfill
	@cargo bench --locked --quiet --bench replay
	@cargo bench --locked --quiet --bench review

# labelled migrations of other projects, where they are at hand; else the repository's own
CASES ?= $(wildcard ../shared/corpus/renames.jsonl)
eval: ## score rename detection and the review on labelled migrations
	@cargo run --locked --quiet --example eval -- -v $(CASES)
	@cargo run --locked --quiet --example review_eval -- $(CASES)
