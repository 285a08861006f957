# Each target installs what it needs, once.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export HF_HUB_DISABLE_TELEMETRY := 1
FUZZ_SECONDS ?= 60
FAULT_TRIALS ?= 50
FAULT_SEED ?= 1
# build of torch that uv chooses where no GPU is found, such as cpu or xpu; empty: the usual one
TORCH_BACKEND ?= cpu
NVIDIA_DEVICES ?= /dev/nvidia*

.PHONY: run smoke test quick lint fuzz faults docs graph lock licences study ui setup clean help

run: repository setup  ## run the whole pipeline on real text, then print a summary
	dvc repro
	tracelate summary

smoke: setup  ## run all stages on a small share of your text, in a folder apart
	tracelate smoke

test: setup  ## run all tests
	python -m pytest

quick: setup  ## run the tests that start no program and train no model, in about a minute
	python -m pytest -m unit

lint: setup  ## check style, types, and imports between packages
	ruff check .
	ruff format --check .
	mypy
	lint-imports

graph: setup  ## update the code that dvc.yaml lists for each stage
	python -m tests.pipeline.graph

fuzz: .venv/fuzz-installed  ## change inputs of every reader at random for FUZZ_SECONDS (60)
	python -m tests.fuzz --seconds $(FUZZ_SECONDS)

faults: setup  ## disturb stages FAULT_TRIALS (50) times: kills, a server that goes away, a full disk
	python -m tests.faults --trials $(FAULT_TRIALS) --seed $(FAULT_SEED)

docs: .venv/docs-installed  ## build the documentation in site/, and check its links
	NO_MKDOCS_2_WARNING=1 python -m mkdocs build --strict

lock: .venv/release-installed  ## write requirements.lock: each version of constraints.txt with its hashes
	uv pip compile pyproject.toml --quiet --all-extras --constraint constraints.txt --universal \
		--python-version 3.11.5 --generate-hashes --no-annotate --no-header \
		--output-file requirements.lock

licences: .venv/release-installed  ## print the licence of each installed package
	pip-licenses --from=mixed --format=markdown --order=license --with-urls

study: setup  ## compare all variants of attention and write docs/attention.md; takes over an hour
	dvc repro tokenize
	dvc --cd studies/attention stage list --name-only | grep @ | \
		OMP_NUM_THREADS=1 xargs -n 1 -P 2 dvc --cd studies/attention repro --single-item
	dvc --cd studies/attention repro

ui: setup  ## open MLflow's interface at http://127.0.0.1:5000
	tracelate ui

setup: .venv/installed  ## make the virtual environment with the exact versions of constraints.txt

.PHONY: repository
repository:
	@git rev-parse --git-dir > /dev/null 2>&1 || { echo "this folder is no git repository, which DVC and lineage need: git init && git add --all && git commit --message Begin" >&2; exit 1; }

# The scripts of an environment name its folder absolutely: in a moved or copied project they would
# run the code of the first one. So it is made again there.
MADE_ELSEWHERE := $(filter-out $(CURDIR),$(shell cat .venv/installed 2>/dev/null))
ifneq ($(MADE_ELSEWHERE),)
.venv/installed: remake
.PHONY: remake
endif

# The usual build of torch for Linux brings several GB of CUDA, which is of no use without a GPU.
HAS_GPU := $(shell command -v nvidia-smi || ls $(NVIDIA_DEVICES) 2> /dev/null)
TORCH_WITHOUT_GPU := $(if $(filter Linux,$(shell uname -s)),$(if $(HAS_GPU),,$(TORCH_BACKEND)))
define install_torch_without_gpu
@echo "no NVIDIA GPU was found: installing torch's build for $(TORCH_WITHOUT_GPU) (make TORCH_BACKEND= takes the usual build)"
@$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
@uv pip install --quiet --python $(BIN)/python --torch-backend=$(TORCH_WITHOUT_GPU) --no-deps \
	--constraint constraints.txt torch 2> /dev/null || \
	echo "it cannot be had: installing the usual build, which may bring 2 to 5 GB of CUDA"
endef

# DVC's cache is named absolutely: an experiment in a temporary folder also uses the project's
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tracelate needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(if $(MADE_ELSEWHERE),--clear) .venv
	$(if $(TORCH_WITHOUT_GPU),$(install_torch_without_gpu))
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	chmod -R go= .tracelate/dvc studies/attention/.tracelate/dvc
	$(BIN)/dvc config --local core.site_cache_dir "$(CURDIR)/.tracelate/dvc"
	$(BIN)/dvc --cd studies/attention config --local core.site_cache_dir \
		"$(CURDIR)/studies/attention/.tracelate/dvc"
	echo "$(CURDIR)" > $@

.venv/release-installed: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[release]'
	touch $@

.venv/fuzz-installed: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[fuzz]'
	touch $@

.venv/docs-installed: .venv/installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

clean:  ## remove the virtual environment and caches, but no data, models and runs
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache site

help:  ## print this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 8
