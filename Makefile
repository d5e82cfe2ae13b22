# Every command of the project; `make` alone lists them. Needs make, git and python3-venv (3.11 or newer).
.DEFAULT_GOAL := help
.PHONY: help run demo test test-fast test-one lint fmt openapi check clean coverage setup
BIN := .venv/bin
PURE := tests/kernel tests/domain tests/flows/discovery/test_rules.py

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Install what is needed, make the demo journey once, then serve until Ctrl-C
	@sh scripts/setup.sh core
	@exec $(BIN)/masterflow serve

demo: ## A whole journey on the bundled real workbook, told in the terminal
	@sh scripts/setup.sh core
	@exec $(BIN)/masterflow demo

test: lint ## Everything: lint, types, import rules, then every test
	@$(BIN)/python -m pytest -n auto -q

coverage: setup ## Branch coverage of kernel and domain: 100 %
	@$(BIN)/python -m pytest -n auto -q --cov=masterflow --cov-branch --cov-report= $(PURE)
	@$(BIN)/coverage report --include='src/masterflow/kernel/*,src/masterflow/domain/*' --fail-under=100 --format=total

test-fast: setup ## The pure rooms only, kernel and domain
	@$(BIN)/python -m pytest -n auto -q tests/kernel tests/domain

test-one: setup ## Tests that match T=..., e.g. make test-one T=tests/cli
	@$(BIN)/python -m pytest -q $(T)

lint: setup ## ruff, mypy, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: setup ## Format the code and repair what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

openapi: setup ## Write docs/reference: openapi.json, errors, permissions
	@$(BIN)/python scripts/openapi.py

check: coverage test ## All that continuous integration runs, and the coverage of the pure rooms

setup: ## Make .venv with the development tools
	@sh scripts/setup.sh dev

clean: ## Remove the environment and the caches; databases stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
