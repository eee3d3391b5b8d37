# Every command that people and CI use. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?= python3
FROM ?= github
WORKERS ?= 3
WRITE ?= 3
READ ?= 2
STATS ?= 1
SYNC ?= 0
PORT ?= 19900
BASE_IMAGE ?= python:3.13-slim
HORDE_IMAGE ?= horde-model-reference:local
HORDE_GATEWAY_IMAGE ?= horde-model-reference-gateway:local
BIN := $(VENV)/bin
# a uv on PATH may be a shim that does not work: ask it
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
STAMP := $(VENV)/.installed

# equal sources give equal images: their time is that of the last commit
IMAGE_TIME = $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
IMAGE_CREATED = $(or $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null),1970-01-01T00:00:00Z)
IMAGE_BUILD = docker build --file deploy/docker/Dockerfile --build-arg BASE_IMAGE=$(BASE_IMAGE) \
	--build-arg SOURCE_DATE_EPOCH=$(IMAGE_TIME) --build-arg CREATED=$(IMAGE_CREATED) \
	--build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) \
	--build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

export HORDE_MODEL_REFERENCE_DATA_DIR ?= $(CURDIR)/data
# the tests start hundreds of processes: what was compiled once is kept, whatever the machine prefers
unexport PYTHONDONTWRITEBYTECODE

##@ Start here
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment from the locked requirements

$(STAMP): requirements/dev.lock pyproject.toml shared/pyproject.toml
ifeq ($(UV),uv)
	test -x $(BIN)/python || uv venv --quiet --no-python-downloads -p "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV)
	uv pip install --quiet --compile-bytecode -p $(BIN)/python --require-hashes -r requirements/dev.lock
	uv pip install --quiet -p $(BIN)/python --no-deps --no-build-isolation -e shared -e .
else
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e shared -e .
endif
	touch $@

run: setup ## run the whole service in one process on http://127.0.0.1:19800/api
	$(BIN)/horde-reference serve

stack: setup ## run the distributed system here: WRITE=3 READ=2 STATS=1 SYNC=0 PORT=19900
	@PYTHONPATH=tests $(BIN)/python -m stack --write $(WRITE) --read $(READ) --stats $(STATS) --sync $(SYNC) \
		--port $(PORT) $(ARGS)

seed: setup ## make the catalogue what the legacy files say: FROM=github or FROM=<folder>
	$(BIN)/horde-reference seed --from "$(FROM)"

##@ Checks
test: setup ## all tests (real S3 and Redis servers are started on free ports)
	$(BIN)/python -m pytest --ignore=tests/containers -m 'not long' -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

contract: setup ## the suites of the ports, over every adapter
	$(BIN)/python -m pytest tests/contract $(ARGS)

long: setup ## what is too long for `make test`: short chaos and load runs, the contract runners in all their variants
	$(BIN)/python -m pytest tests/e2e -m long $(ARGS)

test-servers: setup ## the suites that use servers, with the servers as containers (needs a Docker engine)
	TEST_SERVERS=containers $(BIN)/python -m pytest tests/contract tests/integration $(ARGS)

client-contract: setup ## the contract runner for the library: Python 3.11 to 3.13, and against the stack
	PYTHONPATH=tests $(BIN)/python -m acceptance $(ARGS)

lint: setup ## ruff: rules and formatting, changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy --strict
	$(BIN)/mypy shared services tests docs

check: lint types test ## what CI runs

cov: setup ## tests with branch coverage
	$(BIN)/python -m pytest --ignore=tests/containers -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov=shared --cov=services --cov-report=term-missing:skip-covered $(ARGS)

bench: setup ## measure beside nginx: throughput, latency, start, memory, growth (needs nginx, wrk)
	PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

load: setup ## mixed traffic for two minutes, every answer checked: ARGS="--url http://host:port" for a running system
	PYTHONPATH=tests $(BIN)/python -m load $(ARGS)

chaos: setup ## kill, freeze and cut off parts of the stack under load; ARGS="mixed --minutes 10" for the report (needs nginx, RabbitMQ)
	PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

report: setup ## write docs/reports/load-and-chaos.md and its plots from the last `make load` and `make chaos`
	PYTHONPATH=tests $(BIN)/python -m load.report

kubernetes: setup $(VENV)-kubernetes/.installed ## the Kubernetes manifests against schemas and policies (needs kubectl or kustomize)
	PYTHONPATH=tests $(BIN)/python -m manifests $(VENV)-kubernetes/bin

$(VENV)-kubernetes/.installed: requirements/kubernetes.lock
	$(PYTHON) -m venv $(VENV)-kubernetes
	$(VENV)-kubernetes/bin/python -m pip install --quiet --require-hashes -r requirements/kubernetes.lock
	touch $@

fuzz: setup ## send 10,000 requests made up from the description of the API; the report is fuzz-report.json
	PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

##@ Containers
up: ## start the system of docker-compose.yml, and wait until it is ready
	docker compose up -d --wait

down: ## stop it; the data stay
	docker compose --profile '*' down

ps: ## what runs
	docker compose ps -a

logs: ## its log, as JSON lines: SERVICES="read-api stats"
	docker compose logs -f --tail 100 $(SERVICES)

smoke: ## ask the running system for what its users need
	deploy/compose/smoke.sh

backup: ## write the catalogue and its history: FILE=backup.tar
	deploy/compose/backup.sh "$(FILE)"

restore: ## bring a backup back: FILE=backup.tar, REPLACE=1 instead of the catalogue that is there
	deploy/compose/restore.sh "$(FILE)" $(if $(REPLACE),--replace)

rollout: ## replace the services container by container: SERVICES="read-api"
	deploy/compose/rollout.sh $(SERVICES)

image: ## build both images: HORDE_IMAGE, HORDE_GATEWAY_IMAGE, BASE_IMAGE=python:3.13-slim@sha256:...
	$(IMAGE_BUILD) --target services --tag $(HORDE_IMAGE) .
	$(IMAGE_BUILD) --target gateway --tag $(HORDE_GATEWAY_IMAGE) .

image-reproducible: ## build the image of the services twice without cache: both must be the same
	@mkdir -p build
	$(IMAGE_BUILD) --quiet --no-cache --target services --iidfile build/first.iid . > /dev/null
	$(IMAGE_BUILD) --quiet --no-cache --target services --iidfile build/second.iid . > /dev/null
	cmp build/first.iid build/second.iid && cat build/first.iid

sbom: ## what is in the images: build/sbom-services.cdx.json, build/sbom-gateway.cdx.json
	$(IMAGE_BUILD) --target sbom --output type=local,dest=build .

containers: setup ## test the images and docker-compose.yml, with the Docker engine or a private one
	engine="$$(bash tests/containers/engine.sh up --observability)" && eval "$$engine" && \
		$(BIN)/python -m pytest tests/containers $(ARGS)

##@ Work
format: setup ## let ruff rewrite the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## write the pages that are made from the code
	PYTHONPATH=tests $(BIN)/python -m support.configuration_table > docs/configuration.md
	PYTHONPATH=tests $(BIN)/python -m support.client_configuration_table > docs/client/configuration.md
	PYTHONPATH=tests $(BIN)/python -m support.metrics_page > docs/metrics.md
	PYTHONPATH=tests $(BIN)/python -m support.env_example > .env.example
	PYTHONPATH=tests $(BIN)/python -m support.prometheus_rule > deploy/kubernetes/components/monitoring/rules.yaml
	PYTHONPATH=tests $(BIN)/python -m support.openapi_document > services/read_api/openapi.json.new
	mv services/read_api/openapi.json.new services/read_api/openapi.json

lock: ## resolve the requirements anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-annotate --no-header --no-emit-package horde-model-reference pyproject.toml -o requirements/services.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-annotate --no-header --no-emit-package horde-model-reference --extra dev -c requirements/services.lock \
		pyproject.toml -o requirements/dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-annotate --no-header requirements/kubernetes.in -o requirements/kubernetes.lock
	echo 'hatchling>=1.27' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-annotate --no-header -c requirements/dev.lock - -o requirements/build.lock
	uv pip compile --quiet --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-annotate --no-header requirements/sbom.in -o requirements/sbom.lock

clean: ## remove the environment and every cache
	rm -rf $(VENV) $(VENV)-kubernetes .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist .coverage htmlcov

.PHONY: help setup run stack seed test long test-servers contract client-contract lint types check cov bench load chaos report kubernetes fuzz up down ps logs smoke backup restore rollout image image-reproducible sbom containers format docs lock clean
