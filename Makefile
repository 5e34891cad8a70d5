# Each target calls a tool or nox: make owns files, nox owns environments. A `##` text is the help of its target.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GROUPS := --group tools --group tests --group coverage --group witnesses --group types --group lint --group bench --group dev

.DEFAULT_GOAL := help
.PHONY: help run test vendor generate check drift accept bench lock

help:
	@echo 'Usage: make TARGET [NAME=VALUE ...]'
	@awk -F ': .*## ' '/^[a-z]+:.*## / {printf "  %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: $(VENV)/ready ## run the example: on the emulator, or with ANCHORBROWSER_API_KEY on the API, where it costs credit
	$(BIN)/python examples/nodes_cpu_usage.py

test: $(VENV)/ready ## run the tests on this Python
	$(BIN)/nox --session tests --force-python "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

vendor: $(VENV)/ready ## take a new spec: FROM=<file|url|->, and REPLACE=1 to overwrite what differs
	@$(BIN)/python -m tools.vendor $(if $(filter 1,$(REPLACE)),--replace) -- "$$FROM"

generate: $(VENV)/ready ## write generated/ from the spec, the overlay and the generator's config
	$(BIN)/python -m tools.generate generate

check: $(VENV)/ready ## check that generated/ is what `make generate` would write
	$(BIN)/python -m tools.generate check

drift: $(VENV)/ready ## compare two specs: BASE=<commit>, or OLD=a.yaml NEW=b.yaml; FORMAT=text|md|json, FAIL_ON=breaking
	@$(BIN)/python -m tools.drift --base="$$BASE" --old="$$OLD" --new="$$NEW" --format="$$FORMAT" --fail-on="$$FAIL_ON"

accept: $(VENV)/ready ## write the public surface to tests/contract/surface.txt, for a reviewer to read
	$(BIN)/python -m tools.surface accept

bench: $(VENV)/ready ## measure beside httpx and the official client: CHECK=1, JSON=1, ONLY=<groups>, ROUNDS=3, PLOT=, FULL=<file>
	@$(BIN)/nox --session bench -- $(if $(filter 1,$(CHECK)),--check) $(if $(filter 1,$(JSON)),--json) $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds "$$ROUNDS") $(if $(PLOT),--plot "$$PLOT") $(if $(FULL),--full "$$FULL")

lock: $(VENV)/ready ## write constraints.txt from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --upgrade --all-extras $(GROUPS) --output-file constraints.txt pyproject.toml

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable '.[emulator]'
	touch $@
