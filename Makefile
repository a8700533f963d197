# Needs Python 3.11 or newer (with venv) and make; everything else is installed into .venv.
#
#   make install the environment and the static files of an installation; no data, no tables
#   make bundle  the installation for servers without internet, in var/bundle (deploy/bundle.sh says what it takes)
#   make deploy-proof  installs and upgrades a bare Debian without a network, as root; writes docs/deploy-proof.md
#   make backup-proof  backups, the way back and the way to PostgreSQL, as root; writes docs/backup-proof.md
#   make failover-proof  kills the first of two PostgreSQL servers under load; writes docs/failover-proof.md
#   make run     the registry on http://127.0.0.1:8000/ (PORT=), with the demo when its database is empty
#   make demo    the demo's data into the database, when that is empty; prints the logins
#   make test    all that uses the database on PostgreSQL, some chaos, then the whole test suite on SQLite
#   make chaos   ten people at work for two minutes while processes, connections and the database are killed
#   make e2e     the browser tests only, on SQLite
#   make images  the pictures that pages are compared with, drawn anew; look at them before you commit
#   make bench   what everything costs, side by side with other ways, on PostgreSQL (benchmarks/README.md):
#                SCALES="region province nation" ONLY="reading writers"; writes benchmarks/results.md
#   make check   format, lint, shell scripts, types, floors, Django's own checks, missing migrations; side by side
#   make pins    requirements*.txt anew from requirements*.in: every package with the hashes of its files
#   make sbom    the list of parts (CycloneDX) in var/sbom.json
#   make audit   known weaknesses of the packages; needs the internet, so it is not part of check
#   make clean   removes .venv and what tools left behind; the data in var/ stays
#
# The settings come from the environment (README.md has the table). ARGS= is handed on to pytest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := run

PYTHON ?= python3
PORT ?= 8000
# One more than the cores: while the browser draws, or a test waits for a lock, another goes on.
WORKERS ?= 3
ARGS ?=
SCALES ?=
ONLY ?=
OUT ?=

BIN := .venv/bin
PY := $(BIN)/python
# A file's tests stay together; the slow files are begun first (tests/conftest.py), so that no worker idles at the end.
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

CHAOS ?= 45
# A file that will hold the exit status of what installs the browser and LibreOffice meanwhile (.ci/run).
INSTALLED ?=

.PHONY: install bundle deploy-proof backup-proof failover-proof run demo test chaos e2e images bench pins sbom audit check format scripts types rules clean

# --- The environment: the stamps tell whether .venv holds what the requirements ask ---------------

.venv/.python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or newer, or set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) -V). Set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.python requirements.txt
	@echo "Installing requirements.txt into .venv"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@echo "Installing requirements-dev.txt into .venv"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# pip-tools, pip-audit and what makes the list of parts stand apart: the registry needs none of them.
.venv/.tools: .venv/.python requirements-tools.txt
	@$(PY) -m venv .venv/tools
	@.venv/tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.txt
	@touch $@

# --- The packages ---------------------------------------------------------------------------------

PINS := .venv/tools/bin/python -m piptools compile --quiet --no-header --no-annotate --generate-hashes --allow-unsafe \
	  --strip-extras --no-emit-options

# For the oldest Python that is supported: what newer ones need less is installed there too.
pins: .venv/.tools
	@for name in requirements requirements-dev requirements-tools; do $(PINS) -o $$name.txt $$name.in; done

sbom: .venv/.tools
	@mkdir -p -m 700 var
	@.venv/tools/bin/cyclonedx-py requirements requirements.txt --output-reproducible --of JSON -o var/sbom.json
	@echo "var/sbom.json lists the packages that the registry runs on (CycloneDX)"

audit: .venv/.tools
	@.venv/tools/bin/pip-audit --require-hashes --disable-pip -r requirements.txt
	@.venv/tools/bin/pip-audit --require-hashes --disable-pip -r requirements-dev.txt

# --- The registry --------------------------------------------------------------------------------

# Static files need no secret of the installation, and are made as for DEBUG off.
install: .venv/.run
	@export only=only-while-the-static-files-are-collected-0123456789; \
	  DEBUG=0 SECRET_KEY="$${SECRET_KEY:-$$only}" SEAL_KEY="$$only" SEAL_KEY_FILE= DATABASE_URL=sqlite://:memory: \
	  $(PY) manage.py collectstatic --noinput --verbosity 0
	@echo "Installed. Next, with DATABASE_URL, SECRET_KEY and SEAL_KEY set:"
	@echo "  $(PY) manage.py migrate"
	@echo "  $(PY) manage.py setup      (asks for the first unit and the first manager)"

bundle: .venv/.run
	@deploy/bundle.sh

deploy-proof: .venv/.dev
	@$(PY) -m tests.deploy.proof

backup-proof: .venv/.dev
	@$(PY) -m tests.operating.proof $(ARGS)

failover-proof: .venv/.dev
	@$(PY) -W ignore -m tests.operating.failover

run demo: export PORT := $(PORT)
run demo: export DEBUG := $(or $(DEBUG),1)

# Serves with a worker for long work beside it, which ends with the server.
with_worker = $(PY) manage.py work -v 0 & worker=$$!; trap 'kill $$worker 2>/dev/null || true' EXIT; $(1)

run: .venv/.run
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py demo --if-empty
	@echo
	@echo "The registry: http://127.0.0.1:$(PORT)/   (Ctrl+C stops it)"
	@case "$${DEBUG,,}" in \
	  1|true|yes|on) $(call with_worker,$(PY) manage.py runserver "127.0.0.1:$(PORT)") ;; \
	  *) $(PY) manage.py collectstatic --noinput --verbosity 0; \
	     $(call with_worker,$(BIN)/gunicorn partybuild.wsgi) ;; \
	esac

demo: .venv/.run
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py demo --if-empty

# --- Tests: each suite's settings are made by tests/conftest.py ------------------------------------

test: .venv/.dev
	@echo "== The tests that use the database on PostgreSQL"
	@$(PY) -m tests.with_postgres -- $(PYTEST) --migrations --only-database $(ARGS) \
	  $(if $(ARGS),|| [ $$? = 5 ] # of what was asked for nothing uses it)
	@echo "== $(CHAOS) seconds of chaos"
	@$(if $(ARGS),:,$(PY) -W ignore -m tests.chaos --seconds $(CHAOS))
	@$(if $(INSTALLED),until [ -s $(INSTALLED) ]; do sleep 1; done; [ "$$(cat $(INSTALLED))" = 0 ])
	@echo "== The suite on SQLite, with the browser"
	@env -u DATABASE_URL $(PYTEST) $(ARGS)

chaos: .venv/.dev
	@$(PY) -W ignore -m tests.chaos --seconds 120

e2e: .venv/.dev
	@$(PY) -m pytest tests/e2e -m browser $(ARGS)

images: .venv/.dev
	@IMAGES=anew $(PY) -m pytest -q tests/e2e/test_images.py::test_twelve_pages_look_as_they_looked

# --- Benches: each scale on a server of its own, which ends with the run ---------------------------

bench: export SCALES := $(SCALES)
bench: export ONLY := $(ONLY)
bench: export OUT := $(OUT)
bench: .venv/.dev
	@$(PY) -W ignore -m benchmarks

# --- Checks: on an empty database in memory, so that they say the same on every machine ---------

check: export DEBUG := 1
check: export DATABASE_URL := sqlite://:memory:
check: .venv/.dev
	@$(MAKE) --no-print-directory --jobs --output-sync --keep-going format scripts types rules

format:
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/djlint --quiet --check --lint templates tests/example_noun/templates

scripts:
	@$(BIN)/shellcheck -x deploy/*.sh deploy/container/*.sh deploy/registry .ci/run

types:
	@$(BIN)/mypy

rules:
	@$(BIN)/lint-imports
	@$(PY) manage.py check --fail-level WARNING
	@$(PY) manage.py makemigrations --check --dry-run

clean:
	rm -rf .venv staticfiles .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
