# One word per chore; `make help` lists them.

GO ?= go
TOOL = $(GO) tool -modfile=$(CURDIR)/tools/go.mod
MODULES = . conformance tools internal/testdata/consumer internal/testdata/http2
# The Go that consumers are promised, and the newest one. CI's own Go lies between them.
OLDEST_GO = go1.25.12
NEWEST_GO = go1.27.1
# What the public surface is compared with: the last tag before this commit, and until there is one, the commit of 0.1.0.
BASE ?= $(or $(shell git describe --tags --abbrev=0 HEAD^ 2>/dev/null),7b14178)
# How many seeds `make simulate` runs, and how long each fuzz target does.
SEEDS ?= 200000
FUZZTIME ?= 30s
# For other platforms nothing is run. Compiling without optimising takes a third less time.
UNOPTIMISED = -gcflags='all=-N -l'
# STRICT=1 makes `make vuln` fail when the vulnerability database cannot be reached.
STRICT ?=

.PHONY: help
help: ## list the chores
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: ci
ci: race lint tidy-check generate-check links apidiff consumer conformance versions platforms vuln ## run all that must hold, but the plain tests

.PHONY: test
test: race ## run the tests under the race detector and print their coverage
	@$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: race
race:
	$(GO) test -race -coverprofile=coverage.out ./...

.PHONY: lint
lint: ## lint every module, the workflows, and the length of lines
	$(TOOL) actionlint
	@set -e; for module in $(MODULES); do echo "lint $$module"; (cd $$module && $(TOOL) golangci-lint run --allow-parallel-runners ./...); done
	@git ls-files -z '*.go' ':!conformance/bench/o*/*' | xargs -0 awk \
		'/^[ \t]*\/\/ / && length > 100 { print FILENAME ":" FNR ": comment of more than 100 columns"; bad = 1 } END { exit bad }'
	@git ls-files -z '*.md' | xargs -0 awk \
		'FNR == 1 { generated = /^<!-- Generated/; code = 0 } /^```/ { code = !code } \
		!generated && !code && !/^(\||<!--)/ && length > 100 { print FILENAME ":" FNR ": more than 100 columns"; bad = 1 } END { exit bad }'

.PHONY: fmt
fmt: ## format the code and sort its imports
	@set -e; for module in $(MODULES); do (cd $$module && $(TOOL) golangci-lint fmt ./...); done

.PHONY: tidy-check
tidy-check: ## fail when a go.mod or go.sum is not tidy
	@set -e; for module in $(MODULES); do echo "tidy $$module"; (cd $$module && $(GO) mod tidy -diff); done

.PHONY: generate
generate: ## make the table in doc.go, the reference pages, the code in Markdown, and the generated clients
	$(GO) generate ./...
	$(GO) -C conformance generate ./...

.PHONY: generate-check
generate-check: ## fail when `make generate` changes anything
	@state() { git diff; git status --porcelain; }; \
	before="$$(state)"; $(MAKE) --no-print-directory generate; \
	test "$$before" = "$$(state)" || { git --no-pager diff --stat; echo "run make generate, and commit what it changes"; exit 1; }

.PHONY: node
node: ## install Prism and the checker of links, where Node.js is
	@if command -v npm >/dev/null; then \
		test conformance/node_modules/.package-lock.json -nt conformance/package-lock.json || npm ci --prefix conformance --loglevel=error; \
	else echo "Node.js with npm is missing: no Prism, no check of links"; test -z "$$CI"; fi

.PHONY: links
links: node ## fail when a relative link in Markdown leads nowhere
	@if test -d conformance/node_modules; then cd conformance && node_modules/.bin/remark --quiet --frail --no-stdout \
		--use remark-validate-links=repository:false $$(git ls-files ..  | grep '\.md$$'); fi

.PHONY: apidiff
apidiff: ## fail when the public surface breaks callers of BASE and no newer "Breaking" in CHANGELOG names what breaks
	@set -e; base="$$(mktemp -d)"; trap 'git worktree remove --force "$$base"; rm -f "$$base".*' EXIT; \
	git worktree add --quiet --detach "$$base" $(BASE); \
	(cd "$$base" && $(TOOL) apidiff -m -w "$$base.api" github.com/xsky-storage/xms-client-go); \
	version="$$(sed -n 's/^const Version = "\(.*\)"/\1/p' "$$base"/*.go)"; \
	$(TOOL) apidiff -m -incompatible "$$base.api" github.com/xsky-storage/xms-client-go >"$$base.breaks"; \
	awk -v base="$$version" -f tools/unannounced.awk CHANGELOG.md "$$base.breaks" || \
		{ echo "incompatible with $(BASE), and CHANGELOG.md does not say so"; exit 1; }

.PHONY: consumer
consumer: ## build a consumer's program with the oldest supported Go
	cd internal/testdata/consumer && GOTOOLCHAIN=$(OLDEST_GO) $(GO) build -o /dev/null ./...

.PHONY: conformance
conformance: node ## hold client and test server against docs/openapi.yaml, the vendor's document and Prism; run js/wasm and the recipes with dependencies
	$(GO) -C conformance test -count=1 ./...

.PHONY: versions
versions: export GOTOOLCHAIN = $(NEWEST_GO)
versions: ## run the tests with the oldest supported Go, and with the newest Go and the newest modules that tests use
	GOTOOLCHAIN=$(OLDEST_GO) $(GO) test ./...
	@set -ex; new="$$(mktemp -d)"; trap 'rm -r "$$new"' EXIT; cp go.mod go.sum "$$new"; \
	$(GO) get -modfile="$$new/go.mod" -t -u ./...; $(GO) test -modfile="$$new/go.mod" ./...
	@set -ex; for go in $(OLDEST_GO) $(NEWEST_GO) local; do GOTOOLCHAIN=$$go $(GO) -C internal/testdata/http2 test ./...; done

.PHONY: platforms
platforms: ## compile for 32-bit Windows with the tests, for macOS and js/wasm
	GOOS=windows GOARCH=386 $(GO) vet $(UNOPTIMISED) . ./internal/... ./xmstest
	GOOS=darwin $(GO) build $(UNOPTIMISED) . ./xmstest
	GOOS=js GOARCH=wasm $(GO) build $(UNOPTIMISED) .

.PHONY: vuln
vuln: ## look for known vulnerabilities in what consumers compile
	@status=0; report="$$($(TOOL) govulncheck ./... 2>&1)" || status=$$?; \
	case "$$report" in \
	*"fetching vulnerabilities"*) echo "vulnerability database not reachable: nothing was checked"; test -z "$(STRICT)" ;; \
	*) echo "$$report"; exit $$status ;; \
	esac

.PHONY: simulate
simulate: ## run the simulation of a cluster with SEEDS seeds
	$(GO) test ./internal/exchange -run TestSimulation -seeds=$(SEEDS) -timeout 0

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	@set -e; for package in $$($(GO) list ./...); do for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
		echo "$$package $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
	done; done

.PHONY: bench
bench: ## measure beside other clients with this Go and the newest, and write the numbers into docs/performance.md
	@set -e; cd conformance; rm -rf bench/results; mkdir bench/results; \
	for go in local $(NEWEST_GO); do export GOTOOLCHAIN=$$go; \
		$(GO) run ./bench/compare -save bench/results/$$($(GO) env GOVERSION).json; done; \
	export GOTOOLCHAIN=local; $(GO) run ./bench/importing -save bench/results/importing.json; $(GO) generate ./bench/page

.PHONY: release-notes
release-notes: ## print the section of CHANGELOG for the tag TAG
	@awk -v version='$(TAG:v%=%)' '/^## / { wanted = $$2 == version; next } wanted' CHANGELOG.md

.PHONY: release-check
release-check: ## fail when Version, CHANGELOG and the tag TAG differ
	@grep -qxF 'const Version = "$(TAG:v%=%)"' *.go || { echo "Version is not $(TAG:v%=%)"; exit 1; }
	@awk '/^## / { version = $$2; next } version && NF { print "v" version; exit }' CHANGELOG.md | grep -qxF '$(TAG)' || \
		{ echo "the newest entries of CHANGELOG.md are not those of v$(TAG:v%=%), or TAG lacks the v"; exit 1; }
