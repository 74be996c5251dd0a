# The one way to do anything. `make help` lists what there is.

PYTHON ?= python3
export PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-compile --root-user-action=ignore

# A stamp per content of a requirements file: a changed file is installed again, an unchanged one never.
sum = $(shell cat $(1) 2>/dev/null | cksum | tr ' ' '-')
RUN_STAMP := .venv/.installed-$(call sum,requirements.txt)
DEV_STAMP := .venv/.installed-dev-$(call sum,requirements.txt requirements-dev.txt)

.PHONY: help run test check demo bench faults corpus screenshots translations e2e-channels train-ready
.DEFAULT_GOAL := help

help:
	@echo "make run    start Care on http://127.0.0.1:$(PORT) (PORT=8001 for another port); Ctrl-C stops it"
	@echo "make test   the tests, on an embedded PostgreSQL of their own"
	@echo "make check  lint, types, architecture, migrations, tests"
	@echo "make demo   a simulated month: the conversations, pages and escalations, to read"
	@echo "make bench  how fast: reminders decided, messages delivered, forms walked, each beside its yardstick; var/bench.json"
	@echo "make faults a thousand randomised kills and faults, judged from the recorded history; var/faults.json"
	@echo "make corpus hundreds of real questionnaires walked by text and as forms, and the reader's cases; var/corpus.json"
	@echo "make e2e-channels Twilio end to end against two mocks of others on this machine's loopback; needs npm, once"
	@echo "make train-ready  an environment for training models, var/train (docs/models.md); the server does without it"
	@echo "make translations collect the words of the pages, take them up in the catalogues, compile those (docs/translations.md)"
	@echo "make screenshots  the pages as a browser shows them, into docs/screenshots"

run: | $(RUN_STAMP)
	@$(BIN)/python -m launch --stop-with-parent

test: | $(DEV_STAMP)
	@$(BIN)/python -m pytest -q -n 2

check: | $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict care/domain care/errors.py risk
	$(BIN)/lint-imports
	$(BIN)/python -m launch.scratch sh -c "$(BIN)/flask --app wsgi db upgrade && $(BIN)/flask --app wsgi db check"
	$(BIN)/python -m pytest -q -n 2

demo: | $(RUN_STAMP)
	@$(BIN)/flask --app wsgi demo

bench: | $(RUN_STAMP)
	@$(BIN)/python -m bench

faults: | $(DEV_STAMP)
	@$(BIN)/python -m tests.faults

corpus: | $(DEV_STAMP)
	@$(BIN)/python -m tests.corpus

# Training has an environment of its own, beside the server's packages: risk/recipes read features as they are served.
TRAIN_STAMP := var/train/.installed-$(call sum,requirements.txt requirements-train.txt)

train-ready: | $(TRAIN_STAMP)
	@echo "var/train/bin/flask --app wsgi risk train --help"

$(TRAIN_STAMP):
	@echo "Installing what training needs into var/train ..."
	@mkdir -p var && $(PYTHON) -m venv var/train
	@var/train/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements.txt -r requirements-train.txt
	@rm -f var/train/.installed-* && touch $@

# What the mocks are is pinned: by the lock of tests/e2e/npm, and by the hash that tests/e2e/mocks.py expects.
E2E_STAMP := var/e2e/.installed-$(call sum,tests/e2e/npm/package-lock.json)

e2e-channels: | $(DEV_STAMP) $(E2E_STAMP)
	@REQUIRE_ALL=1 $(BIN)/python -m pytest -q -n 0 tests/e2e

$(E2E_STAMP):
	@echo "Installing the mocks into var/e2e (once) ..."
	@mkdir -p var/e2e && cp tests/e2e/npm/package.json tests/e2e/npm/package-lock.json var/e2e/
	@cd var/e2e && npm ci --ignore-scripts --no-audit --no-fund --silent
	@cd var/e2e && npm pack @twilio/cli-core@9.0.0 --silent >/dev/null
	@rm -f var/e2e/.installed-* && touch $@

# What is compiled is committed too: nothing is missing on a fresh clone, however it is started.
BABEL := $(BIN)/python -m babel.messages.frontend

translations: | $(RUN_STAMP)
	@$(BABEL) extract -F babel.cfg -k _l -k _h:1c,2 --no-wrap --sort-output --add-location=file --project=Care --version=1 \
	  -o translations/messages.pot . 2>/dev/null
	@$(BABEL) update -i translations/messages.pot -d translations --no-wrap --no-fuzzy-matching --ignore-obsolete \
	  --ignore-pot-creation-date 2>/dev/null
	@$(BABEL) compile -d translations --statistics

screenshots: | $(DEV_STAMP)
	@SCREENSHOTS=1 $(BIN)/python -m pytest -q -n 0 tests/browser

# What the checks need is installed; for scripts that add something to it.
.PHONY: .venv/ready
.venv/ready: | $(DEV_STAMP)

# pip comes last when a virtual environment is made: where it is missing, the making was cut short and is repeated.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Care needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making .venv ..."
	@$(PYTHON) -m venv .venv

$(RUN_STAMP): | .venv/bin/pip
	@echo "Installing what Care needs into .venv (a minute or two, once) ..."
	@$(PIP) -r requirements.txt
	@rm -f .venv/.installed-[0-9]* && touch $@

$(DEV_STAMP): | $(RUN_STAMP)
	@echo "Installing what the checks need into .venv ..."
	@$(PIP) -r requirements-dev.txt
	@rm -f .venv/.installed-dev-* && touch $@
