# Set-up needs Python 3.11-3.13 with venv, a C++17 compiler and git. Everything else is installed, pinned, into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
WORKERS ?= 2
# A cost model that has not seen the programs which it is judged on.
TWIN ?= build/twins/ethos_u
# Of benchmarks/results.py: --budget, --seeds, --parts, --planners.
BENCH_OPTIONS ?=
# Of benchmarks/agent.py: parts, seeds, programs, budgets.
AGENT_OPTIONS ?=
CPP := $(shell find tvm_ext -name '*.cc' -o -name '*.h')
CORE := $(filter-out tvm_ext/tests/%,$(CPP))

.DEFAULT_GOAL := help
.PHONY: help agent bench-explore install demo test test-cpp test-python test-docs docs docs-tables docs-images lint format schemas bench bench-zoo bench-core bench-cost-models bench-learned-plans bench-agent cost-models report-images wheel-check clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-19s %s\n", $$1, $$2}' Makefile

# torch comes first and from its CPU index where that can be reached: PyPI's Linux wheel brings gigabytes of CUDA.
.venv/dependencies: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --no-deps --retries 0 --index-url https://download.pytorch.org/whl/cpu torch || $(PIP) --no-deps torch
	$(PIP) scikit-build-core cmake ninja apache-tvm-ffi $$($(BIN)/python tools/requirements.py zoo dev train vela ray evaluate learned report docs)
	touch $@

# Editable: Python sources are used where they lie, so only the core and the metadata make a new install necessary.
.venv/package: .venv/dependencies $(CORE) CMakeLists.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation --no-deps --editable .
	touch $@

install: .venv/package ## Install memstow and what it needs into .venv

demo: install ## Compile BERT-base for a TPU v5e, run it, compare with PyTorch, write the report
	$(BIN)/memstow compile bert --size full --accelerator tpu_v5e --planner greedy --out memstow-out/demo

test: test-cpp test-python test-docs ## Run all tests: C++ under ASan and UBSan, Python, every command of the documentation

test-cpp: .venv/dependencies
	mkdir -p build
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake -S . -B build/tests -G Ninja -DMEMSTOW_TESTS=ON \
	  -DMEMSTOW_SANITIZE=address,undefined -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python > build/cmake.log || { cat build/cmake.log; exit 1; }
	$(BIN)/cmake --build build/tests
	$(BIN)/ctest --test-dir build/tests --output-on-failure

test-python: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal

test-docs: docs ## Build the documentation, run every command of it and of README as written
	OMP_NUM_THREADS=1 $(BIN)/python tools/run_docs.py --workers $(WORKERS)

docs: install ## Build the documentation into build/site; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

docs-tables: install ## Write the parts of docs/ that follow from the code
	$(BIN)/python tools/generate_docs.py
	$(BIN)/python benchmarks/accelerator_table.py docs/accelerators.md

docs-images: install ## Draw the plans that docs/ shows
	$(BIN)/python tools/docs_images.py

lint: install ## Check style, types, layers and generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CPP)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP) --no-build-isolation --no-deps --upgrade --target build/installed .
	cd build/installed && ../../$(BIN)/mypy --config-file ../../pyproject.toml --strict -p memstow
	cd build/installed && ../../$(BIN)/lint-imports --config ../../pyproject.toml

wheel-check: .venv/dependencies ## Build the wheel, install it into an empty environment, use it from an empty folder
	$(BIN)/python tools/wheel_check.py --json build/wheel_check.json

bench-explore: install ## Three models of the zoo on variants of the TPU v5e; write docs/explore.md and its picture
	$(BIN)/python benchmarks/explore.py

format: .venv/dependencies ## Rewrite the sources in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

schemas: install ## Write memstow/schemas/*.json anew from the types
	$(BIN)/python -m memstow.schemas

bench: install ## Every planner on suite and zoo, beside the rivals; write docs/results.md (two to three hours; goes on where it was; needs ../shared)
	$(BIN)/python benchmarks/results.py --resume $(BENCH_OPTIONS)

bench-zoo: install ## Compile, run and check the whole zoo; write docs/zoo.md (half an hour)
	$(BIN)/python benchmarks/zoo.py --json build/zoo.json --out docs/zoo.md --resume

bench-core: install ## Measure simulator and packing, bounds and the production heuristic (needs ../shared)
	$(BIN)/python benchmarks/simulator.py
	$(BIN)/python benchmarks/minimalloc.py ../shared/minimalloc
	$(BIN)/python benchmarks/bounds.py ../shared/xla_suite --out build/bounds.md
	$(BIN)/python benchmarks/xla_fidelity.py ../shared/xla_suite --page docs/xla_msa.md

bench-agent: install ## The agent against heuristics, searches and the portfolio; write docs/agent.md (most of a day; needs ../shared)
	$(BIN)/python benchmarks/agent.py $(AGENT_OPTIONS)

cost-models: install ## Train the shipped cost models anew on the collected samples (needs ../shared for the TPU's)
	$(BIN)/memstow cost-model train --samples cost_model/collected/vela.csv.gz --out cost_model/trained/ethos_u --twin build/twins/ethos_u
	$(BIN)/memstow cost-model train --samples cost_model/collected/host.csv.gz --out cost_model/trained/host --twin build/twins/host
	$(BIN)/memstow cost-model train --samples ../shared/tpu_cycles/tpu_cycles.csv.gz --source tpu --out cost_model/trained/tpu --twin build/twins/tpu

agent: install ## Train the shipped agent anew into build/agent (half an hour; needs ../shared)
	$(BIN)/python benchmarks/training_programs.py build/training_programs --size full --accelerator tpu_v5e --accelerator tpu_v4 --accelerator ethos_u85
	OMP_NUM_THREADS=1 $(BIN)/memstow agent train --config rl_agent/configs/memstow.toml --out build/agent --actors 1 --resume

bench-cost-models: install ## Errors, features and table times of the cost models; write docs/cost_model.md
	$(BIN)/python benchmarks/cost_models.py --page docs/cost_model.md

bench-learned-plans: install ## Plans by the learned cost model against the roofline's, timed by Vela's prices
	$(BIN)/python benchmarks/learned_plans.py --model $(TWIN) --json build/learned_plans.json

report-images: install ## Write docs/images/report_*.png anew (needs a Chromium)
	$(BIN)/memstow compile bert --size full --accelerator tpu_v5e --plan-only --out build/report
	$(BIN)/memstow plan build/report/program.json --planner furthest-next-use --out build/report/belady.json
	$(BIN)/memstow report build/report/program.json build/report/plan.json build/report/belady.json --out build/report/report.html
	$(BIN)/python tools/report_images.py build/report/report.html docs/images

clean: ## Remove everything that make made
	rm -rf .venv build memstow-out
