# Each target calls a tool or nox: make owns files, nox owns environments. A `##` text is the help of its target.

PYTHON ?= python3
override VENV := .venv
override BIN := $(VENV)/bin
override GROUPS := --group tools --group tests --group coverage --group witnesses --group types --group lint --group docs --group bench --group release --group dev

# The values of users are data. When make exports a variable of its command line, it would run a `$(shell …)` in the value,
# whether a recipe needs the variable or not; a simple variable is not expanded again. Recipes read the values from the
# environment, in quotes: in the text of a recipe, the shell would run a part of a value.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(eval override export $(name) := $$(value $(name)))))
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test docs vendor generate check drift accept bench build lock

help:
	@echo 'Usage: make TARGET [NAME=VALUE ...]'
	@awk -F ': .*## ' '/^[a-z]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' Makefile

run: $(VENV)/ready ## run the examples: on the emulator, or with ANCHORBROWSER_API_KEY on the API, where they cost credit
	$(BIN)/python examples/nodes_cpu_usage.py
	$(BIN)/python examples/command_line.py

test: $(VENV)/ready ## run the tests on this Python
	$(BIN)/nox --session tests --force-python "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

docs: $(VENV)/ready ## build the documentation site, and check its pages in Chromium, if there is one
	$(BIN)/nox --session docs

vendor: $(VENV)/ready ## take a new spec: FROM=<file|url|->, and REPLACE=1 to overwrite what differs
	@if [ "$$REPLACE" = 1 ]; then set -- --replace; fi; $(BIN)/python -m tools.vendor "$$@" -- "$$FROM"

generate: $(VENV)/ready ## write generated/ from the spec, the overlay and the generator's config
	$(BIN)/python -m tools.generate generate

check: $(VENV)/ready ## check that generated/ is what `make generate` would write
	$(BIN)/python -m tools.generate check

drift: $(VENV)/ready ## compare two specs: BASE=<commit>, or OLD=a.yaml NEW=b.yaml; FORMAT=text|md|json|changelog, ALL=1, FAIL_ON=breaking, USED_BY=<folder>
	@if [ "$$ALL" = 1 ]; then set -- --all; fi; $(BIN)/python -m tools.drift "$$@" --base="$$BASE" --old="$$OLD" --new="$$NEW" --format="$$FORMAT" --fail-on="$$FAIL_ON" --used-by="$$USED_BY"

accept: $(VENV)/ready ## write the public surface to tests/contract/surface.txt, for a reviewer to read
	$(BIN)/python -m tools.surface accept

bench: $(VENV)/ready ## measure beside httpx and the official client: CHECK=1, JSON=1, ONLY=<groups>, ROUNDS=3, PLOT=, FULL=<file>, DATABASE=<url>
	@set -f; if [ "$$CHECK" = 1 ]; then set -- "$$@" --check; fi; if [ "$$JSON" = 1 ]; then set -- "$$@" --json; fi; \
	  $(BIN)/nox --session bench -- "$$@" $${ONLY:+--only $$ONLY} $${ROUNDS:+"--rounds=$$ROUNDS"} $${PLOT:+"--plot=$$PLOT"} $${FULL:+"--full=$$FULL"} $${DATABASE:+"--database=$$DATABASE"}

build: $(VENV)/ready ## build wheel and sdist of the last commit into dist/, twice, and check them
	$(BIN)/nox --session build

lock: $(VENV)/ready ## write constraints.txt from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --upgrade --all-extras $(GROUPS) --output-file constraints.txt pyproject.toml

$(VENV)/ready: pyproject.toml constraints.txt
	"$$PYTHON" -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	"$$PYTHON" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable '.[cli,emulator]'
	touch $@
