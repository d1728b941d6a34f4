# One target for each thing a person does here. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?= mimetic2-demo
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint docs wheel bench validate clean chromium

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# The torch that constraints.txt pins may be a CUDA build on your platform; preinstall a CPU build into $(VENV) to avoid it.
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,docs]'
	touch $@

setup: $(STAMP) ## make the virtual environment and install everything

demo: $(STAMP) ## run the whole method on the embedded lab
	$(BIN)/mimetic2 demo --out $(DEMO)

# Browser tests need Debian's chromium: installed when missing and root, otherwise those tests skip (in CI they fail).
chromium:
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	elif ! command -v chromium >/dev/null; then echo "chromium is missing: browser tests will skip"; fi

test: $(STAMP) chromium ## run all tests but the slow ones
	$(PYTEST) -q -n 2 --dist worksteal -m 'not slow'

test-slow: $(STAMP) chromium ## run the slow tests
	$(PYTEST) -q -m slow

lint: $(STAMP) ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP) ## build the documentation into docs/_build
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

# The core alone: what `threshold` and `report` need must come without torch, and nothing may lean on the checkout.
wheel: $(STAMP) ## build the wheel and try it in a clean environment outside the checkout
	rm -rf dist
	$(BIN)/python -m build --quiet
	bash tests/clean_environment.sh $(PYTHON) dist/mimetic2-*.whl constraints.txt

bench: $(STAMP) ## run the benchmarks (ratios against named rivals)
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

validate: $(STAMP) ## the simulation study of the statistics
	$(BIN)/mimetic2 validate --out docs/validation

clean: ## remove what make made here
	rm -rf $(VENV) $(DEMO) dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
