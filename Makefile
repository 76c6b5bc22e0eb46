# `make help` is the manual of a working day. .ci/run knows no command that is not here.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LOCK   := .ci/constraints.txt
EXTRAS := local verifier dev
STAGE  := bash .ci/stage

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

export PYTHONDONTWRITEBYTECODE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export VLLM_NO_USAGE_STATS := 1

##@ Use it

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo

.PHONY: install
install: $(VENV)/.installed ## Make .venv with the `dart` command for one machine (needs Python 3.11 to 3.13)
	@true

.PHONY: run
run: install ## Do the quickstart: a real model, real problems, no GPU (about 10 minutes)
	$(BIN)/python manifests/examples/quickstart/model.py runs/quickstart/model
	$(BIN)/python manifests/examples/quickstart/problems.py runs/quickstart/problems.jsonl
	$(BIN)/dart run manifests/examples/quickstart.yaml

.PHONY: experiment
experiment: install ## Do the whole experiment in small: sample, train two students, evaluate and compare them (about 15 minutes)
	$(BIN)/python manifests/examples/quickstart/model.py runs/quickstart/model
	$(BIN)/python manifests/examples/quickstart/problems.py runs/quickstart/problems.jsonl
	$(BIN)/python manifests/examples/quickstart/problems.py --held-out runs/quickstart/held-out.jsonl
	$(BIN)/dart run manifests/examples/experiment.yaml
	$(BIN)/dart compare runs/experiment/vanilla-evaluation runs/experiment/prop2diff-evaluation

##@ Work on it

.PHONY: test
test: check tools ## Run the checks and the tests
	$(BIN)/pytest --durations=10 --durations-min=2

.PHONY: check
check: install ## Lint, formatting, strict types, import contracts
	@$(STAGE) check $(MAKE) checks

.PHONY: checks
checks:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict dart_k8s
	$(BIN)/lint-imports

.PHONY: tools
tools: install ## Build the programs that tests need from Go modules, once (30 min: helm, kwok, Kubernetes, Prometheus, containerd); without Go their tests are left out
	@$(STAGE) tools $(BIN)/python -m tests.tools

.PHONY: e2e
e2e: tools ## Put images, chart and real pods to work on a node of their own (root, Linux; part of `make test`)
	$(BIN)/pytest tests/e2e --durations=10 --durations-min=2

.PHONY: format
format: install ## Format the code and sort its imports
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: golden
golden: install ## Write the golden files anew; review the difference like code
	DART_GOLDEN=write $(BIN)/pytest -q -p no:randomly -k golden
	@git --no-pager diff --stat -- tests

.PHONY: constraints
constraints: $(VENV)/.uv ## Pin dependencies anew (hashes, no index addresses); newer ones with UPGRADE=--upgrade
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS:%=--extra %) --override .ci/overrides.txt $(UPGRADE) --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	  --custom-compile-command "make constraints" --output-file $(LOCK)
	@! grep -n '://' $(LOCK) || { echo '$(LOCK) must name no address'; exit 1; }

##@ Put it on a cluster

IMAGES  := operator worker verifier trainer
BUILDER := $(or $(shell command -v buildah),$(shell command -v podman),docker)
BUILD   :=

.PHONY: crds
crds: install ## Write the CRDs anew from the models, for manifests and for the chart
	$(BIN)/dart crds --into manifests/crds
	$(BIN)/dart crds --into charts/dart/definitions

.PHONY: manifests
manifests: tools ## Write manifests/install and manifests/monitoring anew from the chart
	$(BIN)/python -m tests.packaging.manifests

.PHONY: chart-docs
chart-docs: install ## Write the chart's README.md anew from its values
	$(BIN)/python -m tests.packaging.chart_docs

.PHONY: dashboards
dashboards: install ## Write charts/dart/dashboards anew from their code
	$(BIN)/python -m charts.dashboards

.PHONY: pictures
pictures: tools ## Draw the dashboards' panels into docs/images, from a run that takes some minutes
	DART_PICTURES=docs/images $(BIN)/pytest -q tests/whole/test_monitoring.py

.PHONY: reference
reference: install ## Write docs/reference anew: fields from the definitions, conditions and commands from the code
	DART_GOLDEN=write $(BIN)/pytest -q -p no:randomly tests/guards/test_docs.py -k golden
	@git --no-pager diff --stat -- docs/reference

.PHONY: images
images: ## Build container images (IMAGES="worker sampler"; more flags of the builder in BUILD)
	@version=$$(sed -n 's/^__version__ = "\(.*\)"$$/\1/p' dart_k8s/__init__.py); \
	revision=$$(git rev-parse HEAD 2>/dev/null || echo unknown); \
	for name in $(IMAGES); do \
	  $(BUILDER) build $(BUILD) --build-arg "VERSION=$$version" --build-arg "REVISION=$$revision" \
	    -f "images/$$name/Containerfile" -t "dart-$$name:$$version" .; \
	done

.PHONY: chart
chart: tools ## Check the chart with its examples and pack it into dist
	@helm=$$($(BIN)/python -m tests.tools helm) || { echo 'helm is missing: install Go, or name one in HELM'; exit 1; }; \
	for values in charts/dart/ci/*-values.yaml; do "$$helm" lint --strict --quiet charts/dart -f "$$values"; done; \
	"$$helm" package charts/dart --destination dist

.PHONY: cluster
cluster: tools ## Start a Kubernetes control plane with simulated nodes and pods, and leave it running
	@$(BIN)/python -m tests.cluster up

.PHONY: cluster-down
cluster-down: install ## End it
	@$(BIN)/python -m tests.cluster down

##@ Measure it

.PHONY: benchmark
benchmark: install ## Measure what docs/benchmarks.md states
	$(BIN)/python -m tests.benchmarks

.PHONY: soak
soak: install ## Kill and fail things at random for minutes
	$(BIN)/pytest -m soak

.PHONY: fuzz
fuzz: install ## Look for counter-examples: SECONDS=300 on answers, then 100 times the examples of `make test` (K=word: those only)
	$(if $(K),,$(BIN)/python -m tests.answers.fuzzing --seconds $(or $(SECONDS),300))
	HYPOTHESIS_PROFILE=fuzz timeout --foreground $(or $(LIMIT),3600) $(BIN)/pytest -q -m "not soak" -k "$(K)"

##@ Clean up

.PHONY: clean
clean: ## Remove caches and build results; keeps .venv, runs and downloaded models
	rm -rf dist build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .cache/stages
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

.PHONY: distclean
distclean: clean ## Remove .venv too
	rm -rf $(VENV)

# Three steps, each done again only when what it is made from is newer.

$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo 'Python 3.11, 3.12 or 3.13 is needed. $(PYTHON) is:'; $(PYTHON) --version; \
	    echo 'Name another one: make install PYTHON=python3.11'; exit 1; }
	@echo 'Making $(VENV) with '"$$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo 'Cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv'; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@touch $@

$(VENV)/.packages: $(LOCK) $(VENV)/.uv
	@echo 'Installing what $(LOCK) pins: about 5 GB (most of it is torch, for the engine), some minutes on a slow line'
	@# The list is complete and its hashes are checked, so nothing is resolved here: that is what --no-deps says.
	@$(STAGE) install $(BIN)/uv pip install --python $(BIN)/python --require-hashes --no-deps -r $(LOCK)
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.packages
	@# Without isolation: the build back end is pinned with all the rest.
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
	@echo 'Ready: $(BIN)/dart'
