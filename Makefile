# The verbs. Each line calls a tool or nox; make owns files, nox owns environments.
#
#   make run       the main job, on the emulator unless ANCHORBROWSER_API_KEY is set
#   make test      the tests, on this interpreter
#   make vendor    a new spec: FROM=<file|url|->, and REPLACE=1 to overwrite what differs
#   make generate  generated/ from the spec, the overlay and the config
#   make check     that generated/ is what `make generate` would write
#   make drift     what a change of the spec does to users: BASE=<commit>, or OLD=a.yaml NEW=b.yaml;
#                  FORMAT=text|md|json, FAIL_ON=breaking for an exit status
#   make accept    the surface file from the code, for a reviewer to read
#   make bench     this package beside bare httpx and the official client: CHECK=1 compares with the budgets, JSON=1 is
#                  for programs, ONLY="import request" for some groups, ROUNDS=3 for a quick look, PLOT=<file> for the
#                  schedule's curve, FULL=<file> for one of upstream's whole specs
#   make lock      constraints.txt from pyproject.toml

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GROUPS := --group tools --group tests --group coverage --group witnesses --group types --group lint --group bench --group dev

.PHONY: run test vendor generate check drift accept bench lock

run: $(VENV)/ready
	$(BIN)/python examples/nodes_cpu_usage.py

test: $(VENV)/ready
	$(BIN)/nox --session tests --force-python "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"

vendor: $(VENV)/ready
	@$(BIN)/python -m tools.vendor $(if $(filter 1,$(REPLACE)),--replace) -- "$$FROM"

generate check: $(VENV)/ready
	$(BIN)/python -m tools.generate $@

drift: $(VENV)/ready
	@$(BIN)/python -m tools.drift --base="$$BASE" --old="$$OLD" --new="$$NEW" --format="$$FORMAT" --fail-on="$$FAIL_ON"

accept: $(VENV)/ready
	$(BIN)/python -m tools.surface accept

bench: $(VENV)/ready
	@$(BIN)/nox --session bench -- $(if $(filter 1,$(CHECK)),--check) $(if $(filter 1,$(JSON)),--json) $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds "$$ROUNDS") $(if $(PLOT),--plot "$$PLOT") $(if $(FULL),--full "$$FULL")

lock: $(VENV)/ready
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --upgrade --all-extras $(GROUPS) --output-file constraints.txt pyproject.toml

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable '.[emulator]'
	touch $@
