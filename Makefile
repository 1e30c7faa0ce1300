# make lab     set up .venv and open the first lesson
# make test    set up .venv for the tests and run them all
# make demo    the live window alone, large, for a class
# make teacher   slides, student notebooks, question bank and plans, from the lessons
# make models · make tensorflow    what lessons 09 and 10 need on top
# make check   what to run while you write: lint, types, unit tests, in under two minutes
# The rest: make install · install-all · test-cpus · test-kernels · checkpoint ·
#           checkpoint-transformer · refresh · screenshots · pages · bench · lint ·
#           lock · clean

PYTHON ?= $(firstword $(foreach p,python3 python3.14 python3.13 python3.12 python3.11,$(shell \
	$(p) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $(p))))
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --no-compile --constraint requirements/lock.txt
DEMO_IDLE ?= 120
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)
FILES := requirements.txt pyproject.toml $(sort $(wildcard requirements/*.txt))
# $(call install,FILE) installs FILE, unless it is there: what counts is what the files say, not when they were written.
install = @cat $(FILES) | cksum > .venv/wanted; \
	if cmp -s .venv/wanted $@; then touch $@; else $(PIP) --requirement $(1) && cp .venv/wanted $@; fi
# Packages are compiled when they are first imported; where this is set it would be at every start of a kernel.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: lab demo teacher models tensorflow install install-all check test test-cpus test-kernels checkpoint checkpoint-transformer refresh screenshots pages bench lint lint-js lock clean

lab: install
	$(BIN)/jupyter lab --ip 127.0.0.1 $(ROOT_FLAG) $(LAB_ARGS) notebooks/00_start_here.ipynb

# A page that was closed or reloaded leaves its kernel behind, which ends two minutes later. Other host names than this
# machine's are refused, so that no page of somebody else's reaches the kernel.
demo: .venv/installed-demo
	$(BIN)/voila notebooks/live_window.ipynb --Voila.ip=127.0.0.1 \
	  --Voila.tornado_settings='{"allow_remote_access": False, "local_hostnames": ["localhost"]}' \
	  --MappingKernelManager.cull_idle_timeout=$(DEMO_IDLE) --MappingKernelManager.cull_interval=10 $(DEMO_ARGS)

# Once, with a network: checks hashes, converts, and does nothing that is done already.
models: .venv/installed-real-models
	$(BIN)/python data/fetch_models.py

tensorflow: .venv/installed-tensorflow

install: .venv/installed-lessons
install-all: .venv/installed-demo models tensorflow

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.14 found: install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv --upgrade-deps .venv  # pip of Python 3.11 takes twice as long as a new one

.venv/installed-lessons: .venv/bin/python $(FILES)
	$(call install,requirements.txt)

.venv/installed-demo: .venv/installed-lessons
	$(call install,requirements/demo.txt)

.venv/installed-real-models: .venv/installed-lessons
	$(call install,requirements/real-models.txt)

.venv/installed-tensorflow: .venv/installed-lessons
	$(call install,requirements/tensorflow.txt)

.venv/installed-dev: .venv/bin/python $(FILES)
	$(call install,requirements/dev.txt)
	@for part in lessons demo real-models tensorflow; do cp $@ .venv/installed-$$part; done

# No lessons, no browser, no thousand stories: the fast half of the tests.
check: .venv/installed-dev lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests --ignore tests/browser \
	  --ignore tests/test_lessons.py --ignore tests/test_lab.py --ignore tests/test_shipped_model.py \
	  --deselect 'tests/test_web.py::test_javascript_does_what_python_does[seeds]' $(PYTEST_ARGS)

# Two files at a time, each on one core: on two cores a third only makes the browser tests wait longer.
test: .venv/installed-dev lint models
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# The same everywhere: with the instruction sets of other CPUs, and with weights at addresses that no allocator gives.
CPU_TESTS = $(BIN)/python -m pytest --numprocesses 2 --dist loadfile notebooks tests/test_parity.py \
	tests/test_model.py tests/test_transformer.py tests/test_pretrained.py tests/test_keras_twin.py tests/test_streaming.py
test-cpus: .venv/installed-dev models
	ATEN_CPU_CAPABILITY=default MKL_CBWR=COMPATIBLE $(CPU_TESTS)
	ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_CBWR=AVX2 $(CPU_TESTS)
	ATEN_CPU_CAPABILITY=avx512 ONEDNN_MAX_CPU_ISA=AVX512_CORE MKL_CBWR=AVX512 $(CPU_TESTS)
	PYTHONPATH=tests/odd_addresses $(CPU_TESTS)

# The live window on older kernels, which deliver widget messages in other ways.
test-kernels: .venv/installed-dev
	@for version in 6.31 7.3; do \
	  $(BIN)/python -m pip install --quiet --upgrade --target .venv/kernels/$$version --no-deps \
	    "ipykernel==$$version.*" nest-asyncio psutil && \
	  echo "ipykernel $$version" && \
	  TOKEN_JOURNEY_KERNEL=$(CURDIR)/.venv/kernels/$$version $(BIN)/python -m pytest tests/browser/test_window.py tests/browser/test_window_inside.py || exit 1; \
	done

checkpoint: .venv/installed-lessons
	$(BIN)/python data/make_checkpoint.py

checkpoint-transformer: .venv/installed-lessons
	$(BIN)/python data/make_checkpoint.py --model transformer

refresh: .venv/installed-dev
	$(BIN)/python tests/notebooks/refresh.py $(NOTEBOOKS)

screenshots: .venv/installed-dev
	TOKEN_JOURNEY_SCREENSHOTS=notebooks/images $(BIN)/python -m pytest tests/browser/test_screenshots.py

pages: .venv/installed-lessons
	$(BIN)/python docs/make_pages.py

# From the lessons: the student's notebooks, slides, the question bank, plans. Slides need npm, for reveal.js.
teacher: .venv/installed-lessons
	@if command -v npm >/dev/null; then npm ci --silent --prefix teacher; fi
	$(BIN)/python teacher/build.py

bench: .venv/installed-dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python tests/benchmarks/bench.py

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory lint-js; else \
	  echo "npm is not installed: the types of helpers/window/*.js are not checked (apt-get install nodejs npm)"; \
	  test "$(REQUIRE_ALL)" != 1; fi

lint-js: tests/node_modules/.package-lock.json
	tests/node_modules/.bin/tsc --project tests

tests/node_modules/.package-lock.json: tests/package-lock.json
	npm ci --prefix tests --silent

lock: .venv/installed-dev
	( echo "# Exact versions that the tests ran with, on Linux and Python 3.11. Made by: make lock"; \
	  $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' ) > requirements/lock.new
	mv requirements/lock.new requirements/lock.txt

clean:
	rm -rf .venv tests/node_modules .pytest_cache .ruff_cache .hypothesis *.egg-info
