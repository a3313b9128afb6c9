# make demo   install, upscale a picture with the weights inside the package, say where it is
# make test   install with the lab and the tools, run every check and test
# make wheel  build the wheel and try it in an environment of its own
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml constraints.txt CMakeLists.txt $(filter-out native/tests/%,$(wildcard native/*/*.cpp native/*/*.h))

.PHONY: demo test wheel clean

demo: $(VENV)/.runtime
	@mkdir -p demo
	@$(BIN)/upres upscale examples/chelsea.png -o demo/chelsea_x2.png --overwrite
	@echo "The picture: examples/chelsea.png (451x300). Twice as large: $(CURDIR)/demo/chelsea_x2.png (902x600)"

test: $(VENV)/.dev
	PATH="$(abspath $(BIN)):$$PATH" ./check

wheel:
	.ci/wheel

$(VENV)/bin/python:
	python3 -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip

$(VENV)/.runtime: $(VENV)/bin/python $(SOURCES)
	$(BIN)/pip install --quiet -c constraints.txt -e .
	@touch $@

# torch first and alone: the pinned CPU build is found before anything asks for a newer one
$(VENV)/.dev: $(VENV)/bin/python $(SOURCES)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -c constraints.txt -e '.[lab,dev,heif]'
	@touch $@

clean:
	rm -rf $(VENV) build demo dist
