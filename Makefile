# All targets work on a fresh clone: they make the virtual environments that they need.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
LINKS := build/links/caudate
DEMO := runs/demo
PLUGS := $(basename $(notdir $(wildcard examples/requirements/*.txt)))

RESULTS := first arrival perturbation suite bandits timing

.PHONY: demo test install links results bench-brian plugs $(PLUGS:%=plug-%)

# Train e-prop on a working-memory task, score it on fresh trials, draw its learning curve.
demo: $(INSTALLED)
	$(BIN)/caudate train eprop caudate/DelayedMatch-v0 --until 0.95 --wandb off \
		--out $(dir $(DEMO)) --name $(notdir $(DEMO)) --overwrite
	$(BIN)/caudate evaluate $(DEMO) --episodes 1000
	$(BIN)/caudate plot $(DEMO)

# Lint, types, tests; doctests are among the tests.
test: $(INSTALLED) links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest -n 2

install: $(INSTALLED)

# PyTorch alone first, at the pinned version: pip would otherwise weigh newer ones, gigabytes each.
$(INSTALLED): pyproject.toml constraints-dev.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "$$(grep '^torch==' constraints-dev.txt)"
	$(BIN)/python -m pip install --quiet -c constraints-dev.txt -e ".[dev]"
	touch $@

# The folders under their installed names, for pyright: it cannot see an editable install's mapping.
links:
	mkdir -p $(LINKS)
	for part in envs agents training; do ln -sfn ../../../$$part $(LINKS)/$$part; done

# The page of results, anew and in full: hours (docs/experiments.md says how many). Finished runs in
# runs/ are not repeated; a run that fails does not keep the others from theirs.
results: $(INSTALLED)
	failed=0; for name in $(RESULTS); do \
		$(BIN)/caudate compare $$name --docs docs/results || \
			{ code=$$?; test $$code = 1 || exit $$code; failed=1; }; \
	done; \
	$(BIN)/caudate recover --subjects 100 --trials 300 --starts 4 --docs docs/results && \
	$(BIN)/python -m caudate.training.preset_scores docs/results training/presets && exit $$failed

# Timing circuits beside Brian2, which has a virtual environment of its own. Brian2 2.9 asks for a
# method of arrays that NumPy 2.4 has no more.
bench-brian: $(INSTALLED) build/brian/installed
	$(BIN)/caudate bench timing --brian build/brian/venv/bin/python --docs docs

build/brian/installed: Makefile
	test -x $(@D)/venv/bin/python || $(PYTHON) -m venv $(@D)/venv
	$(@D)/venv/bin/python -m pip install --quiet "brian2>=2.9" "numpy<2.4" setuptools
	touch $@

# Examples with other libraries (`make plug-sb3` for one), each in a virtual environment of its own,
# because their pins differ.
plugs: $(PLUGS:%=plug-%)

$(PLUGS:%=plug-%): plug-%: build/plugs/%/installed
	build/plugs/$*/venv/bin/python examples/$*_*.py

$(PLUGS:%=build/plugs/%/installed): build/plugs/%/installed: examples/requirements/%.txt pyproject.toml
	test -x $(@D)/venv/bin/python || $(PYTHON) -m venv $(@D)/venv
	$(@D)/venv/bin/python -m pip install --quiet "$$(grep '^torch==' constraints-dev.txt)"
	$(@D)/venv/bin/python -m pip install --quiet "$$(grep '^torch==' constraints-dev.txt)" -r $< -e .
	touch $@
