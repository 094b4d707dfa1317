# make demo     sets itself up on first use, starts the demo and prints its address
# make test     sets itself up on first use, checks format, lint and types, runs every test
# make setup    only sets up what the demo and the command line need
# make clean    removes the virtual environment
#
# Variables:  ARGS="--port 8080"   handed to app.py (make demo) or to pytest (make test)
#             TORCH=cpu            torch without CUDA libraries: a download of 0.2 GB, not of several
#             PIP_FLAGS="..."      handed to pip install
#             PYTHON=python3.12    the interpreter to use;  VENV=.venv  where to install

VENV ?= .venv
TORCH ?= default
PIP_FLAGS ?=
ARGS ?=

ifeq ($(TORCH),cpu)
TORCH_FLAGS := --extra-index-url https://download.pytorch.org/whl/cpu
endif

ifndef PYTHON
PYTHON := $(shell for name in python3.11 python3 python3.12 python3.13 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$name && break; done)
endif

# A stamp carries the checksum of what was installed, so that a changed requirements file installs
# again and a mere git checkout, which renews file times, does not.
RUN_STAMP := $(VENV)/.run-$(shell cksum < requirements.txt | cut -d ' ' -f 1)
TEST_STAMP := $(VENV)/.test-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d ' ' -f 1)
PIP_INSTALL = $(VENV)/bin/python -m pip install --disable-pip-version-check $(TORCH_FLAGS) $(PIP_FLAGS)

.PHONY: demo test setup clean

demo: $(RUN_STAMP)
	@$(VENV)/bin/python app.py $(ARGS)

test: $(TEST_STAMP)
	$(VENV)/bin/python -m ruff format --check .
	$(VENV)/bin/python -m ruff check .
	$(VENV)/bin/basedpyright --pythonpath $(VENV)/bin/python
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n auto --maxprocesses 6 $(ARGS)

setup: $(RUN_STAMP)

clean:
	rm -rf $(VENV)

# Each thing that pip would fail on minutes later, with pages of output, is asked for first.
$(RUN_STAMP):
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "error: Python 3.11 or newer is needed; install it, or name it: make PYTHON=/path/to/python3.11" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: this Python cannot make virtual environments; on Debian or Ubuntu: sudo apt-get install python3-venv" >&2; \
		exit 1; }
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -c 'import pesq' 2>/dev/null || { \
		$${CC:-cc} --version >/dev/null 2>&1 || gcc --version >/dev/null 2>&1 || { \
			echo "error: a C compiler is needed to install pesq (the PESQ score); on Debian or Ubuntu: sudo apt-get install build-essential, on macOS: xcode-select --install" >&2; \
			exit 1; }; \
		$(VENV)/bin/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("include"), "Python.h").stat()' 2>/dev/null || { \
			echo "error: the C headers of Python are needed to install pesq (the PESQ score); on Debian or Ubuntu: sudo apt-get install python3-dev" >&2; \
			exit 1; }; }
	@if [ "$$(uname)" = Linux ] && [ "$(TORCH)" != cpu ] && ! command -v nvidia-smi >/dev/null 2>&1; then \
		echo "note: no NVIDIA GPU seen; if the download of torch is too large for you, stop and add TORCH=cpu"; fi
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(TEST_STAMP): $(RUN_STAMP)
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@
