# Needs Python 3.11 or newer and make. Nothing is compiled; .venv is created here and can be deleted at any time.
#
#   make run PROMPT="…"     an answer from the micro world's models, on any CPU
#   make test               the tests; COVERAGE=1 also measures coverage
#   make check              format, lint, types, layers, wheel
#   make docs               the documentation site, in site/
#   make server-test        the graph under LangGraph's own server, in an environment of its own; needs a package index
#   make versions-test      the graph and LangGraph's server on Python 3.12 and 3.13, likewise
#   make deepagents-test    the example for deepagents, likewise
#   make lmms-eval-test     lmms-eval's own program with our model and our answers; needs a package index
#   make client-tests       both servers as agent frameworks and TypeScript clients see it; needs a package index and npm
#   make cluster-test       two hosts share a workspace in PostgreSQL and an object store; needs PostgreSQL and a package index
#   make deploy-test        the files in deploy/ against the schemas of Kubernetes and Compose; needs a package index
#   make ray-test           data stages on a real Ray cluster of two workers; needs a package index
#   make plain-test         finished models with plain transformers, in an environment without this package
#   make experiment-test    miniatures of the experiments of several trainings, each killed once
#   make gpu-steps          a few steps of an 8 B critic with random weights on one GPU: seconds and memory
#   make gpu-loop           trajectories per hour, stages and memory on one GPU, with random weights of real size
#   make distributed-test   training by two processes on a CPU, with torchrun and with the shipped FSDP configuration
#   make mcpb               dist/interleavethinker.mcpb, a bundle for Claude Desktop; needs npm
#   make slim-test          an installation without extras, in an empty environment; needs a package index
#
#   make setup TORCH_INDEX=URL   take torch from another package index, for example PyTorch's CPU-only one;
#                                before the first `make run`, or after deleting .venv
#   make setup PYTHON=python3.12 EXTRAS=dev,train,anthropic

PYTHON ?= python3
# `make run` needs only the local models; everything else needs the development tools, which include them.
EXTRAS ?= $(if $(filter run,$(MAKECMDGOALS)),local,dev)
COVERAGE ?=
# Test processes: one for each core, but no more than memory allows (each may load torch).
WORKERS ?= auto --maxprocesses=4
TORCH_INDEX ?=
PROMPT ?=

COVERAGE_FLOOR := 93
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
STAMP := .venv/.installed-$(EXTRAS)
PACKAGES := cli evaluation graph microworld servers tools training
PROGRAM := $(BIN)/interleavethinker
CLIENTS := .client-venvs
UV := 0.13.9
# For environments of single checks: a tenth of pip's work.
UV_PIP = $(CLIENTS)/uv/$(notdir $(BIN))/uv pip install --quiet

.PHONY: setup run test check format format-check lint types layers wheel-test
.DEFAULT_GOAL := setup

setup: $(STAMP)

# Reinstalled only when one of its inputs has changed.
$(STAMP): pyproject.toml constraints.txt hashes.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer must run this; found " + sys.version.split()[0] + "; try make PYTHON=python3.12 " + "$(MAKECMDGOALS)")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo 'Python could not create .venv; on Debian or Ubuntu install python3-venv first.' >&2; exit 1; }
	@echo 'Installing into .venv: about 300 MB with the CPU build of torch, several GB with the CUDA build.'
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt --index-url $(TORCH_INDEX) torch)
	PYTHONWARNINGS=ignore $(BIN)/python tests/install.py $(EXTRAS)
	@$(BIN)/python -m compileall -q interleavethinker $(PACKAGES) # where Python may not keep bytecode, each start would compile
	@touch $@ $(if $(findstring dev,$(EXTRAS)),.venv/.installed-local)

# The prompt is passed in the environment, so that neither make nor the shell interprets its characters.
override PROMPT := $(value PROMPT)
export PROMPT

# Without a PROMPT, the profile's own example runs.
run: $(STAMP)
	$(PROGRAM) run $${PROMPT:+-- "$$PROMPT"}

# `pytest`, not `python -m pytest`: the latter puts this folder on the import path, and every module would exist twice.
test: $(STAMP)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --ignore=tests/clients $(if $(COVERAGE),--cov --cov-report=term:skip-covered --cov-fail-under=$(COVERAGE_FLOOR))

check: format-check lint types layers wheel-test

format: $(STAMP)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

format-check: $(STAMP)
	$(BIN)/ruff format --check

lint: $(STAMP)
	$(BIN)/ruff check

# Type checkers and documentation tools do not see an editable install, so the packages are linked under their import names.
.PHONY: links
links:
	@mkdir -p .typing/interleavethinker
	@for package in $(PACKAGES); do ln -sfn ../../$$package .typing/interleavethinker/$$package; done
	@for file in interleavethinker/*; do ln -sfn ../../$$file .typing/interleavethinker/$${file##*/}; done

types: $(STAMP) links
	$(BIN)/mypy .typing/interleavethinker tests examples

# A broken link or reference fails; not with --quiet, which leaves warnings uncounted. Builds without network access.
.PHONY: docs docs-tools
docs-tools: $(STAMP)
	@$(BIN)/python -c 'import mkdocs, mkdocstrings' 2>/dev/null || PYTHONWARNINGS=ignore $(BIN)/python tests/install.py docs

docs: docs-tools links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo 'The site is in site/: open site/index.html, or serve it (with search): $(BIN)/python -m http.server -d site'

layers: $(STAMP)
	$(BIN)/python tests/layers.py

wheel-test: $(STAMP)
	$(BIN)/python tests/wheel.py

# Seeded fuzzers, a kill harness, hostile clients; the tests run the same for some seconds. ROUNDS=1000000 SEED=2 for a long run.
ROUNDS ?= 20000
KILLS ?= 500
SERVER_KILLS ?= 20
CONNECTIONS ?= 5000
OPERATIONS ?= 5000
EXAMPLES ?= 2000
SEED ?= 0
.PHONY: benchmark-miniature
benchmark-miniature: $(STAMP)
	MINIATURE_ITEMS=24 $(BIN)/pytest -rP -q -o faulthandler_timeout=3000 tests/evaluation/benchmarks/test_miniature.py

.PHONY: benchmark-scale
benchmark-scale: $(STAMP)
	$(BIN)/python tests/evaluation/benchmarks/scale.py

# lmms-eval brings some hundred packages. Without torchvision, whose builds fit only the torch of their own index.
LMMS_BIN := .lmms-venv/$(notdir $(BIN))
.PHONY: lmms-eval-test
lmms-eval-test: .lmms-venv/.installed
	$(LMMS_BIN)/pytest -o faulthandler_timeout=3000 tests/evaluation/benchmarks/test_with_lmms_eval.py tests/evaluation/benchmarks/test_tasks_of_lmms_eval.py

.lmms-venv/.installed: pyproject.toml constraints.txt
	@test -x $(LMMS_BIN)/python || $(PYTHON) -m venv .lmms-venv
	$(LMMS_BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@grep -vE '^(tenacity|google-genai)==' constraints.txt >.lmms-venv/constraints.txt
	$(LMMS_BIN)/uv pip install --quiet --python $(LMMS_BIN)/python $(addprefix --find-links ,$(PIP_FIND_LINKS)) -c .lmms-venv/constraints.txt -e . lmms-eval==0.7.3 google-genai blockbuster numpy pytest pytest-asyncio
	$(LMMS_BIN)/uv pip uninstall --quiet --python $(LMMS_BIN)/python torchvision timm
	@touch $@

# Trajectories per hour against the serial loop, and growth with the number of trajectories; the site shows the results.
# Each takes about 10 minutes or less and wants an idle machine.
.PHONY: loop-bench growth-bench
loop-bench: $(STAMP)
	$(PROGRAM) bench loop --n 24 --rounds 3 --seed 2611 --out results/loop
	$(PROGRAM) bench look-ahead --n 10 --rounds 3 --seed 2620 --out results/loop

growth-bench: $(STAMP)
	$(BIN)/python tests/graph/growth.py --out results/growth.json

# Kills the command line at many moments of masks, references, variants, lookups, the drift guard, batches and sweeps.
.PHONY: kill-test
kill-test: $(STAMP)
	KILL_TESTS=1 $(BIN)/pytest tests/cli/test_killed.py

# Seconds and dollars of a document on several GPUs, and a simulated fleet of up to 1,000; the site shows the result.
.PHONY: capacity
capacity: $(STAMP)
	$(BIN)/python -m interleavethinker.evaluation.throughput.capacity --out results/capacity.json

.PHONY: robustness
robustness: $(STAMP)
	$(BIN)/python tests/robustness/fuzz.py --rounds $(ROUNDS) --seed $(SEED)
	$(BIN)/python -m tests.robustness.kill --rounds $(KILLS) --seed $(SEED)
	$(BIN)/python -m tests.servers.trajectories.kill --kills $(SERVER_KILLS) --seed $(SEED)
	$(BIN)/python tests/robustness/clients.py --connections $(CONNECTIONS)
	INTERLEAVETHINKER_OPERATIONS=$(OPERATIONS) $(BIN)/pytest -o faulthandler_timeout=3000 tests/graph/workspace/test_responsiveness.py -k mixed_operations
	INTERLEAVETHINKER_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -o faulthandler_timeout=30000 tests/microworld/requests/test_fuzz.py

# Ray's wheel has 79 MB, and every test starts a cluster of two workers on this machine.
.PHONY: ray-test ray-tools
ray-tools: $(STAMP)
	@$(BIN)/python -c 'import ray' 2>/dev/null || PYTHONWARNINGS=ignore $(BIN)/python tests/install.py ray

ray-test: ray-tools
	RAY_TESTS=1 $(BIN)/pytest -k ray tests/evaluation/executors tests/training/data/test_executors.py tests/training/data/test_ray_data.py tests/evaluation/benchmarks/test_sharded_answers.py tests/cli/test_batch.py

# Only what a user of a finished model installs; torchvision because transformers' processor for Qwen3-VL needs it.
PLAIN_BIN := .plain-venv/$(notdir $(BIN))
.PHONY: plain-test
plain-test: $(STAMP) .plain-venv/.installed
	PLAIN_PYTHON=$(PLAIN_BIN)/python $(BIN)/pytest -o faulthandler_timeout=3000 tests/training/elsewhere/test_plain_transformers.py

.plain-venv/.installed: constraints.txt
	@test -x $(PLAIN_BIN)/python || $(PYTHON) -m venv .plain-venv
	$(PLAIN_BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch transformers pillow jinja2 peft
	$(PLAIN_BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps 'torchvision==0.28.*'
	@touch $@

# Needs a GPU of 80 GB, 20 GB of disk and about five minutes; downloads no weights. The folder must be new.
.PHONY: gpu-steps
gpu-steps: $(STAMP)
	$(BIN)/python -m tests.training.elsewhere.real_size_steps --out runs/real-size-steps

# Needs a GPU of 80 GB, 40 GB of disk and at most eight minutes; downloads no weights. The folder must be new.
.PHONY: gpu-loop
gpu-loop: $(STAMP)
	$(BIN)/python -m tests.evaluation.throughput.real_size_loop --models runs/real-size-loop --out results/real-size-loop.json

# The miniatures of the experiments, each killed once and run to its end; some minutes.
.PHONY: experiment-test
experiment-test: $(STAMP)
	EXPERIMENT_TESTS=1 $(BIN)/pytest -o faulthandler_timeout=3000 -n 2 tests/training/test_experiments_killed.py

.PHONY: distributed-test
distributed-test: $(STAMP)
	DISTRIBUTED_TESTS=1 $(BIN)/pytest -o faulthandler_timeout=3000 tests/training/elsewhere/test_two_processes.py

# A temporary PostgreSQL server and an S3-compatible one. Debian: apt-get install postgresql; skipped where it is missing.
.PHONY: cluster-test cluster-tools
cluster-tools: $(STAMP)
	@$(BIN)/python -c 'import psycopg, s3fs, moto.server' 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'psycopg[binary]' langgraph-checkpoint-postgres s3fs 'moto[s3]==5.2.5' flask flask-cors

cluster-test: cluster-tools
	CLUSTER_TESTS=1 $(BIN)/pytest -n 2 --dist loadfile -k "postgres or cluster" tests/cli/test_cluster.py tests/graph/workspace/test_postgres.py \
	  tests/graph/workspace/test_worker.py tests/graph/workspace/test_workspace.py tests/graph/workspace/test_human_review.py

# Trajectories per minute of the micro world in this process, in one worker process, and in two.
.PHONY: executor-bench
executor-bench: $(STAMP)
	$(BIN)/python tests/training/data/executor_throughput.py --out results

# Executes the notebooks and stores their outputs; the tests execute them too.
.PHONY: notebooks
notebooks: $(STAMP)
	$(BIN)/python -P tests/notebooks.py

.PHONY: slim-test
slim-test: $(STAMP)
	$(BIN)/python tests/slim.py

# LangGraph's development server brings some forty packages that nothing else needs.
SERVER_BIN := .server-venv/$(notdir $(BIN))
.PHONY: server-test
server-test: .server-venv/.installed
	$(SERVER_BIN)/pytest tests/graph/test_langgraph_server.py

.server-venv/.installed: pyproject.toml constraints.txt $(CLIENTS)/uv/.installed
	@test -x $(SERVER_BIN)/python || $(PYTHON) -m venv --without-pip .server-venv
	$(UV_PIP) --python $(SERVER_BIN)/python -c constraints.txt -e '.[server]' blockbuster numpy pytest pytest-asyncio
	@touch $@

# The graph, its schemas and LangGraph's server on other versions of Python: make versions-test VERSIONS="python3.12 python3.13"
VERSIONS ?= python3.12 python3.13
.PHONY: versions-test
versions-test:
	for version in $(VERSIONS); do \
	  bin=.version-venvs/$$(echo $$version | tr / _)/$(notdir $(BIN)); \
	  test -x $$bin/python || $$version -m venv .version-venvs/$$(echo $$version | tr / _) || exit 1; \
	  PYTHONWARNINGS=ignore $$bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server]' blockbuster numpy pytest pytest-asyncio && \
	  $$bin/pytest tests/graph/test_conversation.py tests/graph/test_embedding.py tests/graph/test_blocking.py tests/graph/test_state.py tests/graph/test_langgraph_server.py || exit 1; \
	done

# deepagents needs newer versions of Google's libraries than constraints.txt has, and an older tenacity.
DEEP_BIN := .deepagents-venv/$(notdir $(BIN))
.PHONY: deepagents-test
deepagents-test: .deepagents-venv/.installed
	$(DEEP_BIN)/pytest tests/docs/test_deep_agent.py

.deepagents-venv/.installed: pyproject.toml constraints.txt $(CLIENTS)/uv/.installed
	@test -x $(DEEP_BIN)/python || $(PYTHON) -m venv --without-pip .deepagents-venv
	@grep -vE '^(langchain-google-genai|google-genai|tenacity)==' constraints.txt >.deepagents-venv/constraints.txt
	$(UV_PIP) --python $(DEEP_BIN)/python -c .deepagents-venv/constraints.txt -e . deepagents==0.7.32 blockbuster numpy pytest pytest-asyncio
	@touch $@

# The schemas of all versions of Kubernetes have 130 MB.
DEPLOY_BIN := .deploy-venv/$(notdir $(BIN))
.PHONY: deploy-test
deploy-test: $(STAMP) .deploy-venv/.installed
	DEPLOY_PYTHON=$(DEPLOY_BIN)/python $(BIN)/pytest tests/deploy

.deploy-venv/.installed: $(CLIENTS)/uv/.installed
	$(PYTHON) -m venv --without-pip .deploy-venv
	$(UV_PIP) --python $(DEPLOY_BIN)/python -c constraints.txt kubernetes-validate==1.37.0 compose-spec==0.2.1
	@touch $@

$(CLIENTS)/uv/.installed:
	$(PYTHON) -m venv $(CLIENTS)/uv
	$(CLIENTS)/uv/$(notdir $(BIN))/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@touch $@

# The hashes of all files of the versions in constraints.txt, for every system; `make setup` installs nothing else.
.PHONY: hashes
hashes: $(CLIENTS)/uv/.installed
	$(CLIENTS)/uv/$(notdir $(BIN))/uv pip compile --quiet --universal --python-version 3.11.5 --no-deps --generate-hashes \
	  --no-annotate --no-header constraints.txt -o hashes.txt >/dev/null

# Clients that the project does not depend on, at the versions of their lock files. Two environments: some need MCP 1.x.
CLIENT_LOCKS := tests/clients/mcp1.txt tests/clients/mcp2.txt
.PHONY: client-tests
client-tests: $(STAMP) protocol-tools $(CLIENTS)/.installed
	$(BIN)/pytest -n 2 tests/clients

$(CLIENTS)/.installed: $(CLIENT_LOCKS) $(CLIENTS)/uv/.installed
	for lock in $(CLIENT_LOCKS); do \
	  folder=$(CLIENTS)/$$(basename $$lock .txt); \
	  $(PYTHON) -m venv --without-pip $$folder && \
	  $(UV_PIP) --require-hashes --python $$folder/$(notdir $(BIN))/python -r $$lock || exit 1; \
	done
	@touch $@

# What Claude Desktop and other clients install with a double click: dist/interleavethinker.mcpb. Validated by the official program.
.PHONY: mcpb
mcpb: $(STAMP) protocol-tools
	$(BIN)/python bundle/build.py dist/interleavethinker.mcpb

# The MCP maintainers' own check programs, and their SDKs for tests/clients; what needs them is skipped without them. Needs npm.
.PHONY: protocol-tools
protocol-tools: tests/protocol/node_modules/.installed
tests/protocol/node_modules/.installed: tests/protocol/package-lock.json
	npm ci --prefix tests/protocol --no-audit --no-fund --loglevel=error
	@touch $@
