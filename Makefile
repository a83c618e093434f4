# Every verb sets up what it needs first; the second time that costs nothing.
# Variables: PORT (App), PYTHON (3.10 or newer), BROWSER=no (never install one), ARGS (passed on to pytest).
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 5151
PYTHON ?=
BROWSER ?= yes
ARGS ?=
export PYTHON BROWSER

.DEFAULT_GOAL := help
.PHONY: help demo setup dev browser test lint check clean

help: ## Show these verbs.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.ready ## Render particles, run the whole loop, open the App on 127.0.0.1:PORT.
	$(BIN)/sem-curate demo --port $(PORT)

setup: $(VENV)/.ready ## Create .venv and install what users need.

dev: $(VENV)/.ready-dev ## Create .venv and install what developers need too.

test: $(VENV)/.ready-dev browser ## Run all tests.
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.ready-dev ## Check format, style, types and the direction of imports.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy sem_curate
	$(BIN)/lint-imports

check: lint test ## Everything that has to pass: lint, then test.

clean: ## Remove .venv and caches; data and datasets stay.
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path '*/node_modules/*' -prune -exec rm -rf {} +

browser: $(VENV)/.ready-dev
	@.ci/browser.sh

# Stamps: they are newer than these files exactly when the environment is up to date.
$(VENV)/.ready: pyproject.toml .ci/constraints.txt .ci/setup.sh
	@.ci/setup.sh

$(VENV)/.ready-dev: pyproject.toml .ci/constraints.txt .ci/setup.sh
	@.ci/setup.sh --dev
