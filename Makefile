# All that a developer or CI runs. `make help` lists it; `make demo` and `make test` need no other set-up
# than Rust and one Python from 3.11 on.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSIONS := 3.11 3.12 3.13 3.14 3.15

# The interpreter of version $(1): from PATH, else the newest patch of it that pyenv has.
find = $(firstword $(shell { command -v python$(1) | grep -v /shims/; ls -d $${PYENV_ROOT:-$$HOME/.pyenv}/versions/$(1).*/bin/python | sort -rV; } 2>/dev/null || true))

# Which Pythons to test on: all that are found, or those named in PYTHONS="3.12 3.13".
PYTHONS ?= $(foreach version,$(VERSIONS),$(if $(call find,$(version)),$(version)))
ifeq ($(strip $(PYTHONS)),)
PYTHONS := $(shell python3 -c 'import sys; assert sys.version_info >= (3, 11); print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif
# The one for the demo, the lints and the benches: the newest.
PYTHON := $(lastword $(PYTHONS))
ifeq ($(PYTHON),)
$(error No Python from 3.11 on was found)
endif

VENV := .venv/$(PYTHON)
BIN := $(VENV)/bin
RUST := $(shell find src -name '*.rs') Cargo.toml Cargo.lock pyproject.toml
LIBPYTHON = $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
CARGO := PYO3_PYTHON=$(CURDIR)/$(BIN)/python CARGO_TARGET_DIR=target/rust

.PHONY: help
help: ## List what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

.PHONY: demo
demo: build ## Scrape a site that it serves itself on loopback
	@$(BIN)/aioxide demo

.PHONY: build
build: .stamps/built-$(PYTHON) ## Build into a virtual environment of the newest Python found

.PHONY: test
test: lint rust-test model $(foreach version,$(PYTHONS),test-$(version)) ## Lint, and run every test on every Python found

.PHONY: rust-test
rust-test: .stamps/venv-$(PYTHON) ## Test the Rust that needs no Python
	LD_LIBRARY_PATH=$(LIBPYTHON) $(CARGO) cargo test --quiet --lib

.PHONY: model
model: ## Check the wait queue with loom
	CARGO_TARGET_DIR=target/model cargo test --quiet --release --manifest-path tests/model/Cargo.toml

.PHONY: test-%
test-%: .stamps/built-%
	@echo "== Python $*"
	.venv/$*/bin/python -m pytest -q

.PHONY: lint
lint: .stamps/built-$(PYTHON) ## Format, clippy, ruff, mypy: any finding fails
	cargo fmt --check
	cargo fmt --check --manifest-path tests/model/Cargo.toml
	$(CARGO) cargo clippy --quiet --all-targets -- -D warnings
	CARGO_TARGET_DIR=target/model cargo clippy --quiet --all-targets --manifest-path tests/model/Cargo.toml -- -D warnings
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy --no-error-summary

.PHONY: fmt
fmt: .stamps/venv-$(PYTHON) ## Format Rust and Python
	cargo fmt
	$(BIN)/ruff format --quiet
	$(BIN)/ruff check --quiet --fix

.PHONY: bench
bench: build ## Measure against the peers; writes benches/results/
	$(BIN)/python -m pip install --quiet --group bench
	LD_LIBRARY_PATH=$(LIBPYTHON) $(CARGO) cargo bench --quiet --bench bridge
	$(BIN)/python benches/python/run.py
	$(BIN)/python benches/python/parsing.py
	$(BIN)/python benches/python/hosts.py
	PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python -m benches.compare

.PHONY: clean
clean: ## Remove what was built
	rm -rf target .venv .stamps python/aioxide/*.so

# The target itself is what make goes by; a stamp is as new as what it stands for.
.PRECIOUS: .stamps/venv-% .stamps/built-%

.stamps/venv-%: pyproject.toml
	@mkdir -p .stamps
	test -x .venv/$*/bin/python || $(or $(call find,$*),python3) -m venv .venv/$*
	.venv/$*/bin/python -m pip install --quiet --upgrade pip 'maturin>=1.16,<2'
	.venv/$*/bin/python -m pip install --quiet --group test --group lint
	@touch $@

# One target directory for each Python, so that turning from one to the next rebuilds nothing; a new one
# begins as a copy of another, since most crates do not know of Python.
.stamps/built-%: .stamps/venv-% $(RUST)
	@other=$$(ls -dt target/py* 2>/dev/null | head -n 1 || true); \
	if [ ! -d target/py$* ] && [ -n "$$other" ]; then cp -a "$$other" target/py$*; fi
	VIRTUAL_ENV=$(CURDIR)/.venv/$* CARGO_TARGET_DIR=target/py$* .venv/$*/bin/maturin develop --release --quiet
	@touch $@
