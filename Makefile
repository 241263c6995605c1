# Churnlight's everyday verbs. `make demo` and `make test` bring whatever they need, from an empty
# clone on: uv into .tools by Python's own pip, then a virtual environment that equals the lock.
# Stamp files in .venv remember what is done, so that the second call starts at once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The lock files are resolved for 3.11: the first of these two that is one.
PYTHON ?= $(firstword $(foreach name,python3 python3.11,$(shell $(name) -c \
  'import sys; sys.version_info[:2] == (3, 11) and print(sys.executable)' 2>/dev/null)) python3)
COMPANY ?= examples/cdnow
# Empty: the settings CHURNLIGHT_HOST and CHURNLIGHT_PORT hold.
HOST ?=
PORT ?=
# More words for pytest, for example `make test ARGS="-k calibration"`; `ARGS="-n 2"` uses two
# processes. One is the default: the tests start real servers and train models, and on two cores
# those already use both.
ARGS ?=

BIN := .venv/bin
UV := .tools/bin/uv
RUNTIME := .venv/.synchronised
DEV := .venv/.synchronised-dev
CHURNLIGHT := $(BIN)/churnlight
SERVED_AT = $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

# Nothing leaves the machine that the user did not ask for.
export BENTOML_DO_NOT_TRACK := True
export MLFLOW_DISABLE_TELEMETRY := true
export UV_PYTHON_DOWNLOADS := never
# Trust what the machine trusts, as pip and the browser do: a company's proxy has its own authority.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),true,false)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# PostgreSQL from the wheel calls useradd when root; a bare PATH lacks the folder it is in.
export PATH := $(PATH):/usr/sbin:/sbin
# An active environment is not the one to install into; byte code saves seconds at every start.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

##@ Use

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nCOMPANY=%s is the company they work on; HOST and PORT say where to serve.\n' '$(COMPANY)'

.PHONY: demo
demo: $(RUNTIME) ## Train, score and serve a company on real data (COMPANY=examples/saas: simulated)
	$(CHURNLIGHT) demo --company $(COMPANY) $(SERVED_AT)

.PHONY: train
train: $(RUNTIME) ## Train on every mature month start
	$(CHURNLIGHT) train --company $(COMPANY)

.PHONY: serve
serve: $(RUNTIME) ## Serve the promoted model: JSON and pages
	$(CHURNLIGHT) serve --company $(COMPANY) $(SERVED_AT)

.PHONY: bento
bento: $(RUNTIME) ## Pack the service for BentoML (bentofile.yaml), with the locked packages
	PATH="$(CURDIR)/.tools/bin:$$PATH" $(BIN)/bentoml build

##@ Develop

.PHONY: setup
setup: $(RUNTIME) ## Only the set-up: leaves .venv/bin/churnlight

# The tests of one file share what they train, so a file stays in one process. Files start by name:
# one with a few long tests would run alone at the end if those with many went first.
ON_ALL_CORES := -n auto --dist loadfile --no-loadscope-reorder

.PHONY: test
test: $(DEV) ## Run the tests (ARGS="-k name", ARGS=-n0: in one process); brings Chromium and Java where it may
	@.ci/debian-packages libatomic1 chromium default-jre-headless
	$(BIN)/python -m pytest $(ON_ALL_CORES) $(ARGS)

.PHONY: torture
torture: $(DEV) ## The long proofs: many seeds, large fuzzes (tens of minutes; ARGS="-k name")
	$(BIN)/python -m pytest $(ON_ALL_CORES) torture $(ARGS)

CHECKS := check-format check-lint check-names check-types check-imports check-locks
.PHONY: check $(CHECKS)
check: $(CHECKS) ## Format, lint, names, types, import contract, lock freshness (-k: all findings)
check-format: $(DEV)
	$(BIN)/ruff format --check .
check-lint: $(DEV)
	$(BIN)/ruff check .
# No local name may hide one of its module: that is the one rule pylint is here for.
check-names: $(DEV)
	$(BIN)/pylint features training serving
check-types: $(DEV)
	$(BIN)/mypy
check-imports: $(DEV)
	$(BIN)/lint-imports
# Fresh is what was compiled from today's inputs (the rule is explained in the script), and what fits.
check-locks: $(DEV)
	$(BIN)/python .ci/locks.py check
	$(UV) pip check --quiet --python $(BIN)/python

.PHONY: format
format: $(DEV) ## Put the code into shape, with the fixes that are safe
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: benchmarks
benchmarks: $(DEV) ## Run every benchmark (minutes); results as ratios on stdout
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

.PHONY: pictures
pictures: $(DEV) ## Renew the README's pictures from the demo of examples/saas (needs chromium)
	[ -d examples/saas/.churnlight/scores ] || $(CHURNLIGHT) demo --company examples/saas --no-serve
	$(BIN)/python docs/pictures/make.py --company examples/saas

.PHONY: lock
lock: $(UV) ## Resolve the lock files again (ARGS=--upgrade moves to the newest versions)
	$(PYTHON) .ci/locks.py compile --uv $(UV) $(ARGS)

.PHONY: clean
clean: ## Remove the set-up and the caches; a company's .churnlight stays
	rm -rf .tools .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# --target is allowed where Debian refuses a plain `pip install` (PEP 668), and needs no venv module.
$(UV): requirements-tools.lock
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; v.startswith("3.11.") or sys.exit( \
	  f"Churnlight needs Python 3.11, for which requirements.lock is resolved; $(PYTHON) is {v}: make PYTHON=/path/to/python3.11 …")'
	@echo "Setting up: uv" >&2
	@$(PYTHON) -m pip install --quiet --require-hashes --upgrade --target .tools -r $<
	@touch $@

$(BIN)/python: | $(UV)
	@$(UV) venv --quiet --python "$(PYTHON)" .venv

# sync removes what the lock does not name; the project itself is then one path entry (--no-deps),
# built by the locked hatchling (--no-build-isolation). LightGBM's wheel needs the system's libgomp.
$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up: what runs (requirements.lock)" >&2
	@.ci/debian-packages libgomp1
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Setting up: what tests and checks need (requirements-dev.lock)" >&2
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r $<
	@touch $@
