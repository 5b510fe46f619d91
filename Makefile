# make run    the portal on http://localhost:8000, with demo people   (PORT, DATABASE_URL)
# make test   every test, on SQLite and on PostgreSQL                 (ARGS="-k words")
# make lint   style, templates, migrations, production settings, translations
# make bench  how time grows with the data
# make install   set-up alone; the others call it

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
MANAGE := .venv/bin/python manage.py
VAR_DIR ?= var
TRANSLATIONS := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
COLLECTED := $(VAR_DIR)/static/staticfiles.json
STATIC_SOURCES := $(filter-out $(VAR_DIR)/%,$(shell find static */static 2>/dev/null)) uv.lock

.PHONY: install install-lint install-test run test lint bench

install:
	@bash scripts/install.sh run

install-lint:
	@bash scripts/install.sh lint

install-test:
	@bash scripts/install.sh test

# Folders are among the sources: a file that was added or taken away changes its folder.
$(COLLECTED): $(STATIC_SOURCES) | install
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@touch $@

%.mo: %.po
	@bash scripts/install.sh run
	@msgfmt --check-format --output-file=$@ $<

run: install $(TRANSLATIONS) $(COLLECTED)
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) createcachetable --verbosity 0
	@$(MANAGE) seed_demo
	@exec $(MANAGE) serve

test: install-test $(TRANSLATIONS)
	@bash scripts/test.sh $(ARGS)

lint: install-lint $(TRANSLATIONS)
	@bash scripts/lint.sh

bench: install-lint $(TRANSLATIONS)
	@.venv/bin/python -m benchmarks $(ARGS)
