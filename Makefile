# The index of what one can do here. Variables work both ways:
# `make run PORT=8001` and `PORT=8001 make run`.
PYTHON ?= python3
# What is given as `make run NAME=value` is taken as it stands, as from the environment:
# make would take a dollar sign for the name of a variable.
$(foreach name,$(filter-out MAKE%,$(.VARIABLES)),$(if $(filter command line,$(origin $(name))),\
	$(eval override $(name) := $$(value $(name)))$(eval export $(name))))
# In quotes: its path may hold spaces.
QUOTED_PYTHON = '$(subst ','\'',$(PYTHON))'
VENV_PYTHON = .venv/bin/python
# Ends with make, however make ends; `exec` leaves no shell in between that would
# keep a signal to itself.
BOUND = exec $(QUOTED_PYTHON) launch/die_with_parent.py TERM
WITH = $(QUOTED_PYTHON) -m launch.env
# Half the time tests wait for processes: four at once keep two cores busy.
JOBS ?= $(shell $(QUOTED_PYTHON) -c 'import os; print(min(8, 2 * (os.cpu_count() or 2)))')
# Every test process and every program it starts would compile all modules again where the
# environment forbids to keep bytecode.
PYTHON_OF_TESTS = PYTHONDONTWRITEBYTECODE= $(VENV_PYTHON)
PYTEST_ALONE = $(PYTHON_OF_TESTS) -m pytest
PYTEST = $(PYTEST_ALONE) -n $(JOBS)
# The tests that use the database of the settings, and run on both kinds, but for those
# that only read what templates, middleware and checks of input make of the same rows: the
# queries of their views are made on it by other tests.
ALIKE = accounts/test_page_texts.py rendering wording \
	$(addprefix middleware/test_,proxy_headers.py renamed_cookies.py \
		renamed_cookies_https.py security_headers.py time_zone.py url_prefix.py) \
	$(addprefix views/test_,limits.py pages.py poll_status.py \
		refused_requests.py remaining.py)
OF_DATABASE = tests/chat tests/upgrade tests/chaos/test_crash_points.py tests/chaos/test_killed_imports.py \
	tests/test_fuzzing.py::test_no_request_fails_the_server_or_saves_half \
	$(addprefix --ignore tests/chat/,$(ALIKE))
# Whatever these send to PostgreSQL, others send too (each statement was compared, without
# its values): only `make soak` runs them there.
SENT_BY_OTHERS = $(addprefix accounts/test_,email_change.py log_out.py password.py \
		password_reset.py) \
	$(addprefix api/test_,api.py reference.py wait.py) \
	$(addprefix api/openai/test_,logprobs.py parameters.py) \
	$(addprefix middleware/test_,compression.py login_required.py) \
	page/test_sent_response.py \
	$(addprefix views/test_,conversation_marks.py conversation_rename.py poll_changes.py \
		replies.py settings.py)
ON_POSTGRES = $(OF_DATABASE) $(addprefix --ignore tests/chat/,$(SENT_BY_OTHERS))

QUICK = tests/chat tests/chatsite tests/worker tests/bench tests/translations tests/test_*.py

.PHONY: help run bundle worker status admin backup restore move-database quick test soak mutations chaos screenshots bench web load slow felt check docs messages browser audit lock clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile

run:  ## everything on this machine; PORT BIND DATA_DIR REDIS_URL CHAT_MODEL WORKERS BUNDLE …
	@$(BOUND) $(WITH) run -m launch

bundle:  ## one file for a machine without network, which make run BUNDLE=FILE takes; ARGS=FILE
	@$(WITH) run -m launch.bundle $(ARGS)

worker:  ## only workers, for the site whose Redis is at REDIS_URL
	@$(BOUND) $(WITH) worker -m launch worker

status:  ## who serves, who waits, what was lost with a worker; ARGS=--json
	@$(WITH) run -m launch status $(ARGS)

admin:  ## make the first superuser: asks for name and password; ARGS="NAME --promote"
	@$(WITH) run -m launch admin $(ARGS)

backup:  ## a backup of the site, also while it runs; INTO=file or folder
	@$(WITH) run -m launch backup "$$INTO"

restore:  ## a backup into an empty folder; FROM=file DATA_DIR=folder
	@$(WITH) run -m launch restore "$$FROM"

move-database:  ## from SQLite into an empty PostgreSQL; TO=postgres://user:password@host/name
	@$(WITH) run -m launch move-database

quick:  ## quick tests to run after every change: no browser, no other programs, on SQLite
	@$(WITH) dev
	$(PYTEST_ALONE) -q -n auto -m 'not slow' $(or $(TESTS),$(QUICK))

test: browser  ## all tests at small size, on SQLite and again on PostgreSQL
	$(PYTHON_OF_TESTS) -m tests.on_both_databases --jobs $(JOBS) \
		$(if $(TESTS),-- $(TESTS),--on-postgres '$(ON_POSTGRES)')

soak: browser  ## all tests with larger counts
	SOAK=1 $(PYTEST) --timeout 3600 $(TESTS)
	$(if $(TESTS),,TEST_DATABASE=postgres $(PYTEST) $(OF_DATABASE) tests/integration)

mutations:  ## break one line at a time, 40 times; the tests must notice; ARGS="--only owner"
	@$(WITH) dev
	$(VENV_PYTHON) -m tests.mutations $(ARGS)

chaos:  ## break everything while guests send, cut the power; CHAOS_SECONDS CHAOS_CUTS CHAOS_JSON
	@$(WITH) dev
	$(VENV_PYTHON) -m tests.chaos.run

browser:  # what the tests in a browser need
	@$(WITH) dev -m launch.env.chromium

screenshots: browser  ## the pictures of docs/pictures; INTO=folder: every state and size
	INTO=$(INTO) $(VENV_PYTHON) -m pytest -q -p no:randomly tests/browser/screenshots.py

bench:  ## our engine beside others; ARGS="--quick --isa avx2", --json FILE, --svg FILE
	@$(WITH) bench -m bench.engine $(ARGS)

web:  ## CPU of a web process by kind of request; ARGS="--postgresql --against FOLDER"
	@$(WITH) dev
	$(VENV_PYTHON) -m bench.web $(ARGS)

load:  ## many pages that wait while others send; ARGS="--pages 500 --seconds 60"
	@$(WITH) bench -m bench.waiting_pages $(ARGS)

slow:  ## a user beside 500 slow and hostile clients; ARGS="--seconds 30"
	@$(WITH) bench -m bench.beside_slow_clients $(ARGS)

felt: browser  ## how soon a person sees what happened; ARGS="--replies 50"
	$(VENV_PYTHON) -m bench.perceived_latency $(ARGS)

check:  ## lint, format, types, import contracts, migrations
	@$(WITH) dev
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy
	$(VENV_PYTHON) -m djlint --quiet --lint templates
	.venv/bin/lint-imports --no-cache
	DATA_DIR=.mypy_cache/data $(VENV_PYTHON) manage.py makemigrations --check --dry-run

docs:  ## make docs/settings.md and example.env from the table of settings
	@$(WITH) dev -m chatsite.settings_table

audit:  ## known vulnerabilities in what is locked; exits with an error if it cannot tell
	@$(WITH) audit -m launch.env.audit $(ARGS)

messages:  ## add new texts to locale/, and compile the translations; ARGS=it begins a language
	@$(WITH) dev
	$(VENV_PYTHON) -m tests.translations $(ARGS)

lock:  ## make locks/ from the requirements; ARGS=--upgrade takes the newest
	@$(WITH) lock -m launch.env.compile_lockfiles $(ARGS)

clean:  ## the virtual environment and caches; not the data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
