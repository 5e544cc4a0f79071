# Everything is done from here. It needs Python 3.11 or newer, pip, make and git; no service, no root, no ensurepip.
#
#   make run [PORT=8000]   the service with a demonstration company, on SQLite, in this terminal; Ctrl-C stops it
#   make test              the tests, on SQLite; ARGS="tests/consent -k withdraw" chooses some of them
#   make test-postgres     the tests that use the service's own database again, on PostgreSQL (TEST_POSTGRES_URL)
#   make check             format, lint, imports, types, deployment settings, migrations, conventions
#   make bench             the figures: a table, and benchmarks/results.json
#   make lock              pin every package anew (needs uv)
#   make clean             remove what can be made again: never .env or var/, which hold keys and data

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
UV ?= $(or $(shell command -v uv),.venv/bin/uv)
TEST_POSTGRES_URL ?= postgresql://postgres@127.0.0.1:5432/postgres

PY := .venv/bin/python
PYTEST := $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)
COMPILE := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --upgrade \
	--generate-hashes --only-binary :all: --no-header
EXTRAS := --extra postgres --extra redis --extra mysql --extra aws --extra pkcs11
# What production settings ask for, made up for the moment of the check; $$scratch is removed afterwards.
THROWAWAY := GOVERNANCE_DEMO=false GOVERNANCE_KEY_FILE="$$scratch/keyring" GOVERNANCE_BROKER_DIR="$$scratch/broker" \
	GOVERNANCE_PUBLIC_URL=https://privacy.example EMAIL_URL=smtp+tls://user:password@mail.example:587 ALLOWED_HOSTS=privacy.example DATABASE_URL=sqlite://:memory: \
	CELERY_BROKER_URL=memory:// DJANGO_SETTINGS_MODULE=config.settings \
	SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))')"

# Bytecode is written on first use, for what is used; a second start is quick because of it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-postgres check bench lock clean python
.NOTPARALLEL:

# $(call install,LOCK,LOCKS) brings .venv up to deploy/locks/LOCK.txt, unless one of LOCKS, which contain it, is already
# there unchanged. pip comes from outside the environment: ensurepip is a package of its own on some systems.
define install
	@set -e; \
	if $(PY) -c '' 2>/dev/null; then \
	  for lock in $(2); do \
	    if [ "$$(cat .venv/locked 2>/dev/null)" = "$$lock $$(git hash-object deploy/locks/$$lock.txt)" ]; then exit 0; fi; \
	  done; \
	fi; \
	$(MAKE) --no-print-directory --silent python; \
	pip="$(PYTHON) -m pip --python $(PY)"; \
	if ! $(PY) -c '' 2>/dev/null; then \
	  if $(PYTHON) -m pip --python "$$(command -v $(PYTHON))" --version >/dev/null 2>&1; then \
	    $(PYTHON) -m venv --clear --without-pip .venv; \
	  else \
	    $(PYTHON) -m venv --clear .venv; \
	  fi; \
	fi; \
	if $(PY) -m pip --version >/dev/null 2>&1; then pip="$(PY) -m pip"; fi; \
	rm -f .venv/locked; \
	echo "Installing the packages of deploy/locks/$(1).txt into .venv ..."; \
	$$pip install --quiet --disable-pip-version-check --no-input --root-user-action=ignore --no-compile \
	  --require-hashes --only-binary :all: -r deploy/locks/$(1).txt; \
	echo "$(1) $$(git hash-object deploy/locks/$(1).txt)" > .venv/locked
endef

run:
	$(call install,run,run dev bench)
	@$(PY) -m config.bootstrap
	@umask 077; export GOVERNANCE_PUBLIC_URL="$${GOVERNANCE_PUBLIC_URL:-http://localhost:$(PORT)}"; \
	$(PY) manage.py migrate --no-input --verbosity 0 && $(PY) manage.py seed_demo && \
	exec $(PY) -m config.supervise --port $(PORT)

test:
	$(call install,dev,dev bench)
	@unset DATABASE_URL; $(PYTEST)

test-postgres:
	$(call install,dev,dev bench)
	@TEST_POSTGRES_URL="$(TEST_POSTGRES_URL)" DATABASE_URL="$(TEST_POSTGRES_URL)" $(PYTEST)

check:
	$(call install,dev,dev bench)
	$(PY) -m ruff format --check --quiet .
	$(PY) -m ruff check --quiet .
	.venv/bin/lint-imports
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && set -ex && \
	GOVERNANCE_TEST_DIR="$$scratch" $(PY) -m mypy
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(PY) -c 'import sys; from governance.crypto import keyring; keyring.generate(sys.argv[1])' "$$scratch/keyring" && \
	export $(THROWAWAY) && set -ex && \
	$(PY) manage.py check --deploy --fail-level WARNING && \
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) -m pytest --quiet tests/test_conventions.py

bench:
	$(call install,bench,bench)
	@$(PY) -m benchmarks $(ARGS)

# Each lock is held to the one before: the tests and figures run on the very versions that are installed for use.
lock:
	$(COMPILE) --output-file deploy/locks/run.txt
	$(COMPILE) --output-file deploy/locks/dev.txt --constraint deploy/locks/run.txt \
	  --group dev $(EXTRAS)
	$(COMPILE) --output-file deploy/locks/bench.txt --constraint deploy/locks/dev.txt \
	  --group dev --group bench $(EXTRAS)

clean:
	rm -rf .venv .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name it: make run PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V). Name another: make run PYTHON=python3.11" >&2; \
	  exit 1; }
