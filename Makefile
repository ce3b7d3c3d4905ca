# The front desk. Everything behind it is CMake presets (CMakePresets.json); nothing is built in two ways.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help build run test soak bench fuzz format lint install package package-test proto clean bootstrap

PREFIX ?= /usr/local
ARGS ?=
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 60

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the optimised program: build/stave
	@tools/bootstrap.sh build
	@tools/build.sh release -- all
	@ln -sfn release/stave build/stave

run: build ## Build, then serve on 127.0.0.1:6379 with the data in ./data (ARGS='--port 7000' adds options)
	@exec build/stave serve --dir ./data $(ARGS)

test: ## Everything that must pass: all suites, sanitizers, fuzzers' smoke runs, house rules
	@tools/bootstrap.sh build test
	@tools/test.sh

soak: ## The same promises for hours: crash states, kill -9, long fuzzing (SOAK_MINUTES, default 60)
	@tools/bootstrap.sh build test
	@tools/soak.sh

bench: ## Compare with RocksDB, LevelDB, LMDB, a guarded unordered_map and redis-server
	@tools/bootstrap.sh build bench
	@tools/build.sh bench -- all
	@bench/run.sh build/bench $(ARGS)

fuzz: ## Run each fuzzer for FUZZ_SECONDS (default 60)
	@tools/bootstrap.sh build test
	@tools/fuzz.sh $(FUZZ_SECONDS)

format: ## Format all sources in place
	@tools/bootstrap.sh lint
	@tools/lint.sh --format

lint: ## Check format, clang-tidy and shell scripts (ALL=1: every file; else what differs from the last commit)
	@tools/bootstrap.sh build lint
	@tools/lint.sh $(if $(ALL),--all)

install: build ## Install headers, libraries, program and package files below PREFIX (default /usr/local)
	@cmake --install build/release --prefix "$(PREFIX)"

package: ## Build the Debian packages: build/package/*.deb
	@tools/bootstrap.sh build package
	@packaging/build_deb.sh

package-test: package ## Install, use, upgrade and purge them in a fresh Debian (root, network)
	@tools/bootstrap.sh package-test
	@packaging/test_deb.sh

proto: ## Generate code from proto/stave.proto for clients: build/proto/{cpp,python} and a descriptor set
	@tools/bootstrap.sh build
	@mkdir -p build/proto/cpp build/proto/python
	@protoc --proto_path=. --cpp_out=build/proto/cpp --python_out=build/proto/python --include_source_info \
	  --descriptor_set_out=build/proto/stave.binpb proto/stave.proto

clean: ## Remove everything that was built
	@rm -rf build

bootstrap: ## Install the Debian packages for building, testing, benchmarking and linting
	@tools/bootstrap.sh build test bench lint
