# Everything from Python 3.11 and make: the first target you ask for makes .venv/, the others use it.

PYTHON ?= python3.11
EVENT := 20210303-thessaly
PLAN ?= cpu
BIN := .venv/bin
READY := .venv/.made-from-pyproject
TESTED := _build/.tested
PARTS := src tests notebooks data book
SOURCES := $(shell find $(PARTS) \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -o \( -type f -o -type d \) -print) \
  pyproject.toml environment.yml _config.yml _toc.yml README.md Makefile

.PHONY: help book test retest lab bench train-locator train-detectors

help:
	@echo "make book    run every chapter for $(EVENT), render the pages: _build/html/index.html"
	@echo "make test    style, types, imports, every test, every chapter, every page"
	@echo "make retest  the same, though nothing has changed since it passed"
	@echo "make lab     JupyterLab on the chapters"
	@echo "make bench   speed, beside something to compare it with"
	@echo "make train-locator   the network that locates, again: an hour and a half on two cores; PLAN=gpu for a large GPU"
	@echo "make train-detectors networks that detect, from the beginning: some hours"

# The interpreter's own configuration lets notebooks/ run from the project's root in JupyterLab, as everywhere else;
# matplotlib's first import builds its font cache here and not in a chapter.
$(READY): pyproject.toml
	@echo "Making .venv with the pinned packages: some minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[test]'
	mkdir -p .venv/etc/ipython
	echo "c.InteractiveShellApp.exec_lines = ['__import__(\"os\").chdir(\"$(CURDIR)\")']" > .venv/etc/ipython/ipython_kernel_config.py
	$(BIN)/python -c "import matplotlib.pyplot"
	touch $@

book: $(READY)
	$(BIN)/epi run $(EVENT)
	$(BIN)/epi book --strict

test: $(TESTED)
	@echo "Every test passed or said why it was skipped, and nothing has changed since (make retest runs them again)."

$(TESTED): $(READY) $(SOURCES)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile
	mkdir -p _build && touch $@

retest:
	rm -f $(TESTED)
	$(MAKE) test

lab: $(READY)
	$(BIN)/jupyter lab --notebook-dir=.

bench: $(READY)
	for script in $(filter-out %/bench_location.py,$(wildcard tests/bench/bench_*.py)); do $(BIN)/python $$script || exit 1; done

train-locator: $(READY)
	$(BIN)/python -m epi.learn.ship --plan $(PLAN)

train-detectors: $(READY)
	$(BIN)/python -m epi.learn.detect --profile ship
