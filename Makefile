# Two commands do everything on a machine with Python 3.11+ and make: `make pilot`, `make test`.
PYTHON ?= python3
BIN := .venv/bin
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
PILOT ?= pilots/pib-3y-2021

NETWORK := var/network
VM := srEXiWaHuhNyGwPUi444Tu47ZEDwxTWrbQiuD7FmgSAQ6X7Dy

.PHONY: setup pilot pilots network clique clique-test network-pilot-test network-test serve test lint conformance soak device-test spark-test bench browser docs bom lock clean

setup: .venv/.platform node_modules/.installed

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Amanat needs Python 3.11 or newer; this is " + sys.version)'
	@command -v icu-config >/dev/null 2>&1 || pkg-config --exists icu-i18n 2>/dev/null \
	  || { echo "names of all scripts are compared with ICU: install your system's packages 'libicu-dev', 'pkg-config' and 'g++'"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.platform: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-build.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/.dev: requirements-dev.lock .venv/.platform
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

node_modules/.installed: package-lock.json .venv/.platform
	$(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

pilot: setup
	$(BIN)/amanat pilot $(PILOT)

pilots: setup
	$(BIN)/amanat pilots

# The validators' programs, from pinned Go modules: some minutes, once.
network/bin/.built: network/go.mod network/go.sum network/plugin/main.go network/founder/main.go
	@command -v go >/dev/null 2>&1 || { echo "a network of institutions needs Go 1.24 or newer (go.dev/dl)"; exit 1; }
	@echo "building the node (1 of 3), some minutes"
	cd network && go build -o bin/avalanchego github.com/ava-labs/avalanchego/main
	@echo "building the chain's EVM (2 of 3)"
	cd network && go build -o bin/plugins/$(VM) ./plugin
	@echo "building the founder (3 of 3)"
	cd network && go build -o bin/founder ./founder
	touch $@

# Five validators on loopback, and the pilot on them.  They stay up: `amanat network down`.
network: setup network/bin/.built
	@test -f $(NETWORK)/network.json || $(BIN)/amanat network init $(PILOT) --home $(NETWORK)
	$(BIN)/amanat network up --home $(NETWORK)
	$(BIN)/amanat pilot $(PILOT) --network $(NETWORK)
	$(BIN)/amanat network status --home $(NETWORK)

# A network without finality, for tests alone: geth with Clique, a program of its own (GPL-3).
# Its linker flag: this geth reaches into the runtime, which later versions of Go forbid.
clique: network/bin/geth

network/bin/geth: network/clique/go.mod network/clique/go.sum
	@command -v go >/dev/null 2>&1 || { echo "a Clique network needs Go 1.24 or newer (go.dev/dl)"; exit 1; }
	cd network/clique && go build -ldflags=-checklinkname=0 -o ../bin/geth github.com/ethereum/go-ethereum/cmd/geth
	touch $@

clique-test: setup .venv/.dev network/bin/geth
	$(BIN)/python -m pytest -s -m network tests/network/test_clique.py

# Of the network's tests those that every change runs: the pilot, and one of five killed.
network-pilot-test: setup .venv/.dev network/bin/.built
	$(BIN)/python -m pytest -s -m network tests/network/test_pilot_on_validators.py

network-test: setup .venv/.dev network/bin/.built network/bin/geth
	$(BIN)/python -m pytest -s -m "network and not soak" tests/network

serve: setup
	$(BIN)/amanat serve

# A browser for the tests: the system's, or one that playwright fetches.  Never skipped in silence.
browser: .venv/.dev
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 \
	  || $(BIN)/playwright install --with-deps chromium \
	  || { echo "make test needs Chromium: install your system's package 'chromium'"; exit 1; }

lint: setup .venv/.dev
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup .venv/.dev browser lint
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

# Keys in a PKCS#11 device: the system's SoftHSM2, which no package index has.
device-test: setup .venv/.dev
	@command -v softhsm2-util >/dev/null 2>&1 \
	  || { echo "make device-test needs SoftHSM2: install your system's package 'softhsm2'"; exit 1; }
	$(BIN)/python -m pytest -m device tests

# The scenarios on Spark beside DuckDB: needs Java 17 or newer.
spark-test: setup .venv/.dev
	@command -v java >/dev/null 2>&1 || { echo "make spark-test needs Java: install your system's package 'default-jre-headless'"; exit 1; }
	$(BIN)/python -m pytest -m spark tests/supervision

conformance: setup .venv/.dev
	@test -n "$(AMANAT_REFERENCE_DATA)" || { echo "set AMANAT_REFERENCE_DATA to the folder of reference data"; exit 2; }
	$(BIN)/python -m pytest -m conformance tests/conformance

soak: setup .venv/.dev network/bin/.built
	$(BIN)/python -m pytest -s -m soak tests --durations=0

bench: setup .venv/.dev
	$(BIN)/python bench/gas.py
	$(BIN)/python bench/settlement.py
	$(BIN)/python bench/tender_page.py
	$(BIN)/python bench/licensing.py
	$(BIN)/python bench/desks.py
	$(BIN)/python bench/screening.py
	$(BIN)/python bench/intake.py

# What is generated from the code; tests fail while it is stale.
docs: setup .venv/.dev
	$(BIN)/python -m amanat.ledger.compile docs/reference/contracts.md
	$(BIN)/python -m amanat.cli.reference docs/reference
	$(BIN)/python -m amanat.supervision.returns.publishing docs/reference

# The bill of materials of the runtime, CycloneDX 1.6.
bom: setup .venv/.dev
	$(BIN)/python deploy/bom.py dist/amanat.cdx.json

# Locks are made anew only on purpose.
lock: .venv/.dev
	$(BIN)/uv pip compile --quiet pyproject.toml --extra platform --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --group build --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements-build.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --extra platform --extra hsm --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements-hsm.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --extra platform --extra spark --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements-spark.lock
	$(BIN)/uv pip compile --quiet pyproject.toml --extra platform --extra hsm --extra spark --group dev --group build --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements-dev.lock
	$(NPM) install --package-lock-only --ignore-scripts

clean:
	rm -rf .venv node_modules var dist
