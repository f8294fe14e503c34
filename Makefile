# Services Trade Warehouse. `make` lists the targets. Needs make and Python 3.11 to 3.13: everything else is installed
# from requirements.lock into .venv/.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The Python that makes the environment: yours, or the first fit one on the path.
FIT := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c '$(FIT)' 2>/dev/null && echo $(p))) python3)

# What answers in place of the publishers: a folder of recorded nights, a mirror of your own (a directory with
# index.json or an HTTP address), or nothing at all (`make run MIRROR=`): the publishers themselves.
MIRROR ?= $(or $(WAREHOUSE_MIRROR),warehouse/sample)
UI_PORT ?= 8080
SITE_PORT ?= 8090
SUPERSET_PORT ?= 8088

BIN := .venv/bin
READY := .venv/.ready
SUPERSET_READY := .venv-superset/.ready
PEERS_READY := .venv-peers/.ready
SPARK_READY := .venv-spark/.ready

.PHONY: help run test test-fast test-slow test-faults cases bench bench-peers bench-bi test-stack test-browser test-superset ui sources site superset live check audit clean lock
help: ## this list
	@echo 'Services Trade Warehouse'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- the environment: hash-locked, from the lock alone, with whatever pip the Python brings -------------------

$(READY): requirements.lock
	@$(PYTHON) -c '$(FIT)' 2>/dev/null || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1); this needs Python 3.11, 3.12 or 3.13."; \
	  echo "Install one, or name it: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3.12"; exit 1; }
	@$(BIN)/python -c '$(FIT)' 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 \
	  || $(PYTHON) -m venv --clear .venv
	@echo "Installing $$(grep -c '^[a-z].*==' requirements.lock) locked packages into .venv (once; a few minutes) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -qq -r requirements.lock
	@# The project itself, without a build and so without a network: a path file and the command.
	@$(BIN)/python -c 'import pathlib, sysconfig; \
	  pathlib.Path(sysconfig.get_path("purelib"), "services_trade_warehouse.pth").write_text(str(pathlib.Path.cwd()) + "\n")'
	@printf '#!/bin/sh\nexec "$$(dirname "$$0")/python" -m warehouse "$$@"\n' > $(BIN)/warehouse
	@chmod +x $(BIN)/warehouse
	@touch $@

SUPERSET_PYTHON := .venv-superset/bin/python
$(SUPERSET_READY): superset/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' || { \
	  echo "Superset needs Python 3.11 or 3.12: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	@$(SUPERSET_PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv-superset
	@echo "Installing $$(grep -c '^[a-z].*==' $<) locked packages into .venv-superset (once; a minute, 900 MB) ..."
	@$(SUPERSET_PYTHON) -m pip install --disable-pip-version-check --require-hashes --no-deps -qq -r $<
	@touch $@

PEERS_PYTHON := .venv-peers/bin/python
$(PEERS_READY): requirements-peers.lock
	@$(PYTHON) -c '$(FIT)' 2>/dev/null || { \
	  echo "The peers need Python 3.11, 3.12 or 3.13: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 1; }
	@$(PEERS_PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv-peers
	@echo "Installing $$(grep -c '^[a-z].*==' $<) locked packages into .venv-peers (once; a minute, 800 MB) ..."
	@$(PEERS_PYTHON) -m pip install --disable-pip-version-check --require-hashes --no-deps -qq -r $<
	@touch $@

SPARK_PYTHON := .venv-spark/bin/python
$(SPARK_READY): requirements-spark.lock
	@$(PYTHON) -c '$(FIT)' 2>/dev/null || { \
	  echo "Spark's environment needs Python 3.11, 3.12 or 3.13: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12"; exit 1; }
	@$(SPARK_PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv-spark
	@echo "Installing $$(grep -c '^[a-z].*==' $<) locked packages into .venv-spark (once; a few minutes, 1.2 GB) ..."
	@$(SPARK_PYTHON) -m pip install --disable-pip-version-check --require-hashes --no-deps -qq -r $<
	@touch $@

# --- what people use -------------------------------------------------------------------------------------------

run: $(READY) ## the nightly load through Airflow, on the recorded nights (MIRROR=... to change, MIRROR= for live)
	@WAREHOUSE_MIRROR='$(MIRROR)' $(BIN)/python dags/nightly.py

test: $(READY) ## the tests, with those on one build of the sample (minutes)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal

APART := not slow and not faults and not stack and not browser and not superset and not spark
test-fast: $(READY) ## the tests without a build (an inner loop)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not sample and $(APART)'

# The files with tests that look at one source or at each: the others are not collected for it.
OF_SOURCES := tests/sources tests/quality tests/test_architecture.py tests/test_unit_tests.py tests/faults/test_corpus.py \
  tests/cases/test_second_editions.py
test-slow: $(READY) ## the tests that make builds of their own, run Airflow or start many processes (minutes)
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'slow and not faults and not stack and not browser and not superset and not spark'

test-faults: $(READY) ## kills, full disks, bad payloads, many readers, the cases (minutes; root, to mount a small disk)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m faults tests/faults tests/cases

.PHONY: test-source
test-source: $(READY) ## one source: its SQL, tests, bad payloads, unit test and second edition (SOURCE=imf_bop)
	@[ -f 'warehouse/sources/$(SOURCE).py' ] || { echo 'Name a source: make test-source SOURCE=imf_bop'; exit 2; }
	@$(BIN)/ruff check -q warehouse/sources/$(SOURCE).py tests/sources
	@$(BIN)/sqlfluff lint -q dbt_project/models/staging/stg_$(SOURCE).sql
	@$(BIN)/python .ci/lint_expectations.py expectations/raw.$(SOURCE).yml
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m 'not stack and not spark and not browser and not superset' \
	  --source '$(SOURCE)' $(OF_SOURCES)

cases: $(READY) ## what publishers and people send: each case with its outcome and reason (CASES="17 24" for some)
	@PYTHONPATH=tests:tests/faults $(BIN)/python -m cases.replay $(CASES)

bench: $(READY) ## nights with a synthetic edition of BaTiS, measured (SIZE=1000000, or 1million to full; BENCH="--json FILE")
	@PYTHONPATH=tests $(BIN)/python -m bench.run $(BENCH) $(or $(SIZE),1million)

bench-peers: postgresql $(PEERS_READY) ## pandas, Polars, dlt and PostgreSQL on the same edition and mart (SIZE="1million 5million"; BENCH=...)
	@PYTHONPATH=tests $(BIN)/python -m bench.peers --python $(PEERS_PYTHON) $(or $(SIZE),1million) $(BENCH)

bench-bi: postgresql ## the questions by 1, 8 and 32 clients, on DuckDB, Parquet and PostgreSQL (SIZE=sample, or rows; BENCH=...)
	@PYTHONPATH=tests $(BIN)/python -m bench.bi $(or $(SIZE),sample) $(BENCH)

# Debian's packages, when one is missing: any Debian or Ubuntu, as root or with sudo.
.PHONY: postgresql postgresql-clients
postgresql: $(READY)
	@ls -d /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  echo 'Installing PostgreSQL from Debian ...'; as=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends postgresql >/dev/null; }

CLIENT_PACKAGES := odbc-postgresql unixodbc default-jdk-headless libpostgresql-jdbc-java r-cran-rpostgresql
postgresql-clients: $(READY)
	@ls /usr/lib/*/odbc/psqlodbcw.so /usr/share/java/postgresql.jar /usr/lib/R/site-library/RPostgreSQL/DESCRIPTION \
	  /usr/bin/isql /usr/bin/javac >/dev/null 2>&1 || { \
	  echo 'Installing clients of PostgreSQL by ODBC, JDBC and R from Debian ...'; as=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends $(CLIENT_PACKAGES) >/dev/null; }

# Two stacks beside each other, each with its own PostgreSQL, ports and home, and beside them the tests that need none:
# see tests/stack/conftest.py. STACKS=1 runs one after the other, where other tests have the cores.
test-stack: postgresql postgresql-clients ## the services of docker-compose.yml as plain processes, on PostgreSQL, and its clients (minutes)
	@$(BIN)/python -m pytest -q -n $(or $(STACKS),3) --dist loadfile --no-loadscope-reorder -m stack tests/stack

# Debian's Chromium and the packages of requirements-browser.lock, when there are none.
.PHONY: browser
browser: $(READY)
	@command -v chromium >/dev/null 2>&1 || { \
	  echo 'Installing Chromium from Debian ...'; as=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk >/dev/null; }
	@$(BIN)/python -c 'import axe_playwright_python' 2>/dev/null || $(BIN)/python -m pip install \
	  --disable-pip-version-check --require-hashes --no-deps -qq -r requirements-browser.lock

test-browser: browser ## the site in Chromium: every page, both languages, wide and narrow (minutes)
	@$(BIN)/python -m pytest -q -m browser tests/browser

test-superset: browser $(SUPERSET_READY) ## Superset in Chromium: dashboards, figures, roles, locked connection (minutes)
	@$(BIN)/python -m pytest -q -m superset tests/superset

.PHONY: java spark-test
java:
	@command -v java >/dev/null 2>&1 || { \
	  echo 'Installing Java from Debian ...'; as=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends default-jdk-headless >/dev/null; }

spark-test: $(READY) java $(SPARK_READY) ## a night on a cluster of Apache Spark, every table compared with DuckDB's (minutes)
	@$(BIN)/python -m pytest -q -s -m spark tests/spark

ui: $(READY) ## Airflow's web page on these DAGs, on loopback (UI_PORT=8080)
	@WAREHOUSE_MIRROR='$(MIRROR)' UI_PORT='$(UI_PORT)' $(BIN)/python dags/ui.py

sources: $(READY) ## what is made of the sources: their pages, the tables of the READMEs, the list that dbt unites
	@$(BIN)/python docs/source_files.py

# The releases, so that links to one release (/2026…/site/) work beside /latest/site/.
site: $(READY) ## the site of the current release, on loopback (SITE_PORT=8090)
	@home="$${WAREHOUSE_HOME:-var}"; [ -d "$$home/published/latest/site" ] || { \
	  echo "$$home/published/latest has no site. Make a release: make run"; exit 1; }; \
	  echo "http://127.0.0.1:$(SITE_PORT)/latest/site/  (Ctrl-C ends it)"; \
	  exec $(BIN)/python -m http.server --bind 127.0.0.1 --directory "$$home/published" $(SITE_PORT) 2>/dev/null

# An environment of its own: Superset needs SQLAlchemy 1.4. The metadata and the passwords are in WAREHOUSE_HOME/superset.
superset: $(SUPERSET_READY) ## Superset on the current release, on loopback (SUPERSET_PORT=8088)
	@home="$$(realpath -m "$${WAREHOUSE_HOME:-var}")"; passwords="$$home/superset/secrets"; \
	  [ -d "$$home/published/latest" ] || { echo "$$home/published/latest: there is no release. Make one: make run"; exit 1; }; \
	  $(SUPERSET_PYTHON) docker/secret.py make "$$passwords" superset_secret_key \
	    superset_admin_password superset_analyst_password superset_reader_password >/dev/null; \
	  echo "Users admin, analyst, reader; their passwords: $$passwords/superset_<user>_password"; \
	  SUPERSET_HOME="$$home/superset" SUPERSET_SECRETS="$$passwords" SUPERSET_RELEASE="$$home/published/latest" \
	  PYTHONPATH="$$PWD/superset:$$PWD/docker" exec $(SUPERSET_PYTHON) superset/serve.py 127.0.0.1:$(SUPERSET_PORT)

live: $(READY) ## probes of the real publishers, a line for each (SOURCES="batis safe_bop" for some; needs the network)
	@PYTHONPATH=tests $(BIN)/python -m live.probe $(SOURCES)

check: $(READY) ## ruff, mypy, sqlfluff, dbt parse
	@$(BIN)/ruff check -q . && $(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/sqlfluff lint -q --processes 2 dbt_project warehouse/site/content/queries
	@$(BIN)/sqlfluff lint -q --processes 2 --dialect postgres docs/questions
	@$(BIN)/python .ci/lint_expectations.py
	@DBT_SEND_ANONYMOUS_USAGE_STATS=false $(BIN)/dbt -q parse --project-dir dbt_project --profiles-dir dbt_project \
	  --target-path ../var/check --log-path ../var/check
	@echo 'ruff, mypy, sqlfluff, dbt: no findings.'

audit: $(READY) ## known vulnerabilities of the locked packages (needs the network; never part of the tests)
	@$(BIN)/python .ci/audit.py

clean: ## remove the environment and caches; the landing and the releases in var/ stay
	@rm -rf .venv .venv-superset .venv-peers .venv-spark .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs var/check
	@find dags superset warehouse tests -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Clean. var/ is unchanged: it holds the landing and the releases.'

# Needs `uv` on the path (it is not in .venv: it makes the lock, the lock does not make it).
lock: ## resolve the six locks anew
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --group pyproject.toml:dev pyproject.toml -o requirements.lock
	@# Without the group dev, at the same versions: what the image installs.
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate --constraint requirements.lock pyproject.toml -o requirements-runtime.lock
	@# On top of requirements.lock: what only `make test-browser` needs.
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate --constraint requirements.lock --group pyproject.toml:browser -o requirements-browser.lock
	@# Superset's environment, which shares nothing with the others but DuckDB.
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate superset/requirements.in -o superset/requirements.lock
	@# What `make bench-peers` compares with; it shares nothing with the others but DuckDB.
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate requirements-peers.in -o requirements-peers.lock
	@# Spark's environment, at the versions of requirements.lock.
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --no-annotate --constraint requirements.lock requirements-spark.in -o requirements-spark.lock
	@echo 'All locks are resolved again. Run make test before you commit them.'
