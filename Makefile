PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin

.PHONY: app test test-fast test-long fuzz check check-browser bench verdict-set setup assets

# Open the app on the bundled run. The rating data are fetched once; without them everything but the users' own histories works.
app: setup
	@$(BIN)/python -m adrec data get ml-100k || echo "Going on without the rating data: compose histories by hand on the denoising page."
	$(BIN)/python -m adrec app --port $(PORT)

PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# The whole, before a change is pushed: about 7 minutes on two cores.
test: setup
	$(PYTEST) -m "not long"

# An answer within a minute, while changing something: no training, no other process, no browser.
test-fast: setup
	$(PYTEST) -m "not (long or slow or browser or data)"

# The further cases of what takes long: kills, cuts, several processes.
test-long: setup
	$(PYTEST) -m long

# 6,000 broken files in every readable format, under limits, FUZZ="--files 500" for fewer; then 2,000 addresses, 600 tabs and 800 broken runs at a
# running server, SERVED="--cases 100" for fewer. What fails is kept in $(VENV)/fuzz.
fuzz: setup
	$(BIN)/python -m tests.fuzz $(FUZZ)
	$(BIN)/python -m tests.fuzz.pages $(SERVED)
	$(BIN)/python -m tests.fuzz.frames $(SERVED)
	$(BIN)/python -m tests.fuzz.runs $(SERVED)

check: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory check-browser; \
	else echo "Skipped for want of node: types, rules and tests of the browser code (adrec/browser)."; fi

# Types, rules and tests of the browser code; only those who change it need node.
check-browser: node_modules/.ready
	npm run --silent check

node_modules/.ready: package-lock.json
	npm ci --silent --no-audit --no-fund
	touch $@

# Speed and memory on ml-100k and synthetic; BENCH="--quick", "--growth" or "--dataset PATH" for others.
bench: setup
	$(BIN)/python -m adrec bench $(BENCH)

# Tables trained with other people's libraries, in an environment of their own, and what the verdict makes of the tuning half: hours, a GiB.
VERDICT_SET ?= $(HOME)/.cache/adrec-verdict-set
verdict-set: setup $(VERDICT_SET)/venv/.ready
	$(BIN)/python -m tests.measure.verdict_set.data_sets $(VERDICT_SET)
	$(VERDICT_SET)/venv/bin/python -m tests.measure.verdict_set.train $(VERDICT_SET)
	$(BIN)/python -m tests.measure.verdict_set.judge $(VERDICT_SET) tune

$(VERDICT_SET)/venv/.ready: tests/measure/verdict_set/requirements.txt
	test -x $(VERDICT_SET)/venv/bin/python || $(PYTHON) -m venv $(VERDICT_SET)/venv
	$(VERDICT_SET)/venv/bin/python -m pip install --quiet --disable-pip-version-check --prefer-binary -r $<
	touch $@

setup: $(VENV)/.ready

# The checkout itself is installed too, so that the command 'adrec' is there.
$(VENV)/.ready: requirements.txt requirements-dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -e .
	touch $@

# What is bundled: what the runs come with, the lesson's content, the documents' pictures (growth takes 5 min, on a quiet machine).
assets: setup
	$(BIN)/python -m tests.measure.titles assets/runs
	$(BIN)/python -m tests.measure.derived assets/runs
	$(BIN)/python -m tests.measure.picture assets/runs/ml-100k docs/stages.svg
	$(BIN)/python -m adrec.lesson.build assets/runs assets/lesson
	$(BIN)/python -m adrec bench --growth --json > $(VENV)/growth.json
	$(BIN)/python -m tests.measure.growth_picture $(VENV)/growth.json docs/growth.svg
