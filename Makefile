# One command for everything; `make help` lists them. Without make, as on Windows: chapters/setup.md.

PYTHON ?= python3
CHAPTER ?=
# Where the site is built, in a folder _build; another one where this folder must not be written to.
OUT ?= .
PORT ?= 8000

# One more than two cores: some tests wait.
WORKERS ?= 3

BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --log .venv/pip.log
# No others, since each worker would load them; and nothing here logs.
PLUGINS := --disable-plugin-autoload -p xdist -p hypothesispytest -p no:logging
# One notebook, one kernel: a file is not split over the workers.
PYTEST = $(BIN)/python -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder $(PLUGINS)
# What a full disk makes Python say is not seen above the page of its trace.
full = df -Pk "$(1)" | awk 'NR == 2 && $$4 < 300000 { print "Only", int($$4 / 1024), \
    "MB are free here. Make some room, and try again." }'
# Touched when the installation is complete, so that a broken-off one is taken up again.
READY := .venv/ready

.PHONY: help book pdf serve test quick lab refresh bench clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 16

book: $(READY)  ## build the site and say where to open it
	@mkdir -p "$(OUT)/_build" 2>/dev/null && test -w "$(OUT)/_build" || \
	    { echo "$(OUT)/_build cannot be written to. In another folder: make book OUT=/tmp/book"; exit 1; }
	$(BIN)/jupyter-book build . --path-output "$(OUT)" -W -n --keep-going || { $(call full,$(OUT)); exit 1; }

pdf: book  ## print the built site as one PDF, to which its first page leads (needs Chromium)
	$(BIN)/python site/print_pdf.py "$(OUT)/_build/html"

serve: book  ## build the site and serve it, so that its cells run
	@echo "Open http://localhost:$(PORT) and end with Ctrl+C."
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory "$(OUT)/_build/html" $(PORT) 2>/dev/null || \
	    echo "Is port $(PORT) taken? With another one: make serve PORT=8001"

test: $(READY)  ## prove it: package, notebooks and site
	$(PYTEST)

# Each worker first reads all tests, which takes it seconds, and few of these wait.
quick: WORKERS = 2
quick: $(READY)  ## the unit tests alone
	$(PYTEST) -m "not study" src tests --ignore=tests/book --ignore=tests/site \
	    --ignore=tests/test_sharded.py --ignore=tests/test_two_processes.py

lab: $(READY)  ## open the first chapter in JupyterLab
	@mkdir -p "$(HOME)" 2>/dev/null && test -w "$(HOME)" || \
	    { echo "Jupyter keeps its settings in your home folder, and HOME='$(HOME)' cannot be written to." \
	    "With another one: make lab HOME=/tmp/home"; exit 1; }
	@# A notebook that is not trusted would show no figure until its cells are run.
	@$(BIN)/jupyter-trust --log-level=ERROR chapters/*.ipynb >/dev/null
	JUPYTER_CONFIG_PATH="$(CURDIR)/lab" $(BIN)/jupyter-lab chapters/01-learning-rates.ipynb

refresh: $(READY)  ## re-execute the notebooks in place (one: make refresh CHAPTER=01)
	$(BIN)/python tools/refresh.py chapters/$(CHAPTER)*.ipynb

bench: $(READY)  ## time the package against what a reader would write
	$(BIN)/python -m pytest benchmarks -o addopts=-pno:nbval

clean:  ## remove what was built (the installation in .venv stays)
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks

# PyTorch's default build for Linux brings gigabytes of CUDA, so its CPU index is asked first, with
# one short try; where it cannot be reached, requirements.txt brings the default build.
$(READY): requirements.txt $(wildcard requirements/*.txt) constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || \
	    { echo "Python 3.11 to 3.14 is needed, this is $$($(PYTHON) --version 2>&1)." \
	    "If you have another: make book PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	    { echo "Python's venv module is missing. On Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@test -w . || { echo "The installation goes into this folder, which cannot be written to." \
	    "Copy the book to one that can."; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "Installing (a few minutes, once) ..."
	@$(PIP) --no-deps --retries 0 --timeout 10 --index-url https://download.pytorch.org/whl/cpu \
	    -r requirements/torch.txt 2>/dev/null || \
	    echo "PyTorch's CPU index cannot be reached: taking the default build."
	@# Quiet, pip would not say which versions conflict. Its log does, and has its traces, too.
	@$(PIP) -r requirements.txt || { \
	    sed '/Skipping link/d; /Traceback/,/^[^ ]* [^ ]/d' .venv/pip.log | tail -n 15; \
	    echo "The installation broke off. Above is why; .venv/pip.log has all of it." \
	    "It needs a network and 3 GB of room. The next make goes on with it."; $(call full,.); exit 1; }
	@touch $@
