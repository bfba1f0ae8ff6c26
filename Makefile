# One word per chore; `make help` lists them.

GO ?= go
TOOL = $(GO) tool -modfile=$(CURDIR)/tools/go.mod
# Every module of the repository, the root first.
MODULES = $(sort $(patsubst %/,%,$(dir $(shell find . -name go.mod -not -path '*/node_modules/*'))))
# The oldest supported Go, the one that consumers are promised.
OLDEST_GO = go1.25.0
# The supported Go versions that the tests run with, besides the installed one.
GO_VERSIONS = go1.25.12 go1.26.8 go1.27.1
# How long each fuzz target runs; those that compare two decoders run for FUZZTIME_DIFFERENTIAL.
FUZZTIME ?= 30s
FUZZTIME_DIFFERENTIAL ?= 60s
# STRICT=1 makes `make vuln` fail when the vulnerability database cannot be reached.
STRICT ?=
# The revision that `make compat` compares the exported API with.
BASE ?= HEAD

.PHONY: help
help: ## list the chores
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: ## run the tests under the race detector and print their coverage
	$(GO) test -race -coverprofile=coverage.out ./...
	@$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: cover
cover: test ## write the coverage, line by line, to bin/coverage.html
	@mkdir -p bin
	$(GO) tool cover -html=coverage.out -o bin/coverage.html

.PHONY: matrix
matrix: ## run the tests with each supported Go version but the installed one
	@set -e; for version in $(GO_VERSIONS); do \
		if [ "$$version" = "$$($(GO) env GOVERSION)" ]; then echo "$$version: installed, see make test"; continue; fi; \
		echo "$$version:"; GOTOOLCHAIN=$$version $(GO) test ./...; \
	done

.PHONY: tools
tools: ## test the checkers in tools/
	$(GO) -C tools test ./...

.PHONY: lint
lint: ## check the formatting, vet and lint every module
	@unformatted="$$(gofmt -l .)"; if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	@set -e; for module in $(MODULES); do \
		echo "lint $$module"; (cd $$module && $(GO) vet ./... && $(TOOL) golangci-lint run ./...); \
	done

.PHONY: fmt
fmt: ## format the code and sort its imports
	$(TOOL) golangci-lint fmt

.PHONY: fuzz
fuzz: ## run every fuzz target of the root package for FUZZTIME
	@set -e; targets="$$($(GO) test -list '^Fuzz' . | grep '^Fuzz')"; for target in $$targets; do \
		case $$target in *Differential*) time=$(FUZZTIME_DIFFERENTIAL) ;; *) time=$(FUZZTIME) ;; esac; \
		echo "$$target for $$time"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $$time .; \
	done

.PHONY: bench
bench: ## run the benchmarks against other clients
	conformance/bench/run.sh

.PHONY: conformance
conformance: ## hold client, test server and docs against docs/openapi.yaml
	cd conformance && $(GO) test ./...

.PHONY: prism
prism: ## run the client against Prism serving docs/openapi.yaml
	conformance/prism.sh

.PHONY: consumer
consumer: ## build a program that uses every public name, with the oldest supported Go
	cd internal/testdata/consumer && GOTOOLCHAIN=$(OLDEST_GO) $(GO) build -o /dev/null ./...

.PHONY: api
api: ## record the exported API in api/v1.txt
	$(GO) -C tools run ./apirecord -root .. -write

.PHONY: api-check
api-check: ## fail when the exported API differs from api/v1.txt or CHANGELOG.md does not describe it
	$(GO) -C tools run ./apirecord -root ..

.PHONY: compat
compat: ## list what would break callers of the exported API at revision BASE
	@set -e; base="$$(mktemp -d)"; trap 'git worktree remove --force "$$base"; rm -f "$$base.api"' EXIT; \
	git worktree add --quiet --detach "$$base" $(BASE); \
	(cd "$$base" && $(TOOL) apidiff -m -w "$$base.api" github.com/xsky-storage/xms-client-go); \
	broken="$$($(TOOL) apidiff -m -incompatible "$$base.api" github.com/xsky-storage/xms-client-go)"; \
	if [ -n "$$broken" ]; then echo "$$broken"; exit 1; fi

.PHONY: vuln
vuln: ## look for known vulnerabilities in what consumers compile
	@status=0; report="$$($(TOOL) govulncheck ./... 2>&1)" || status=$$?; \
	case "$$report" in \
	*"fetching vulnerabilities"*) echo "vulnerability database not reachable: nothing was checked"; test -z "$(STRICT)" ;; \
	*) echo "$$report"; exit $$status ;; \
	esac

.PHONY: tidy-check
tidy-check: ## fail when a go.mod or go.sum is not tidy
	@set -e; for module in $(MODULES); do echo "tidy $$module"; (cd $$module && $(GO) mod tidy -diff); done

.PHONY: links
links: ## fail when a relative link in Markdown leads nowhere
	$(GO) -C tools run ./mdcheck ..

.PHONY: snippets
snippets: ## compile the Go code in Markdown and run the tests among it
	$(GO) -C tools run ./mdcode ..

.PHONY: release-check
release-check: test lint tools tidy-check links snippets api-check consumer conformance prism matrix vuln fuzz ## run all that must hold before a release
