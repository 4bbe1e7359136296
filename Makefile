# Flyball's commands. `make demo` and `make test` need Go and nothing else.

GO      ?= go
# Without git nothing is stamped, and --version says so.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS  = -s -w -X main.version=$(VERSION)
# The race detector needs cgo and a C compiler; without one the tests run without it.
# A program with it waits a second as it ends, unless told otherwise; tests start hundreds.
RACE     = $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && echo -race)

.PHONY: build install demo test test-console test-terraform test-kubernetes beside-kubernetes thousands-kubernetes record-terraform lint platforms bench torture variants fuzz dist image generate clean help

build: ## bin/flyball, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/flyball ./cmd/flyball

help: ## what can be made
	@awk -F ':[^#]*## ' '/^[a-z-]+:[^#]*## / { printf "%-22s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR   = $(DESTDIR)$(PREFIX)/bin
install: build ## bin/flyball to PREFIX/bin, below DESTDIR if that is given
	install -d '$(BINDIR)'
	install -m 755 bin/flyball '$(BINDIR)/flyball'

demo: build ## a service under load, scaled out and in, in less than two minutes
	./bin/flyball demo

# The browser that tests of the console drive.
CHROMIUM = $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# Tests of replicas start a PostgreSQL of their own.
POSTGRES = $(shell command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | tail -1)

# Some packages wait for programs more than they compute: one more than there are processors is
# tested at a time. Forecasts compute in the caller's goroutine alone: the race detector would find
# nothing in them, and take minutes. The longest package takes five where all is compiled beside it,
# and several times as long on a busy machine.
SUITE = GORACE=atexit_sleep_ms=10 $(GO) run ./internal/suite $(GO) test -timeout 25m
test: ## all tests, with the race detector where there is a C compiler, and in a browser where there is Chromium
	@test -n "$(RACE)" || echo "no C compiler: the race detector is off"
	@test -n "$(CHROMIUM)" || echo "no Chromium: the console's pages are not tried in a browser"
	@test -n "$(POSTGRES)" || echo "no PostgreSQL: replicas are not tested (Debian: apt-get install postgresql)"
	@trap 'exit 130' INT; failed=; \
	$(SUITE) -p $$(($$(getconf _NPROCESSORS_ONLN) + 1)) $(RACE) $$($(GO) list ./... | grep -v '^flyball/forecast$$') || failed=yes; \
	$(SUITE) ./forecast || failed=yes; \
	test -z "$$failed"

test-console: ## the console's pages in Chromium: answers, keyboard, contrast; SCREENSHOTS names a folder for pictures
	@test -n "$(CHROMIUM)" || { echo "there is no Chromium on this machine (Debian: apt-get install chromium)"; exit 1; }
	$(GO) test -count 1 -v -run "Browser|Pages" -timeout 30m ./internal/console -thorough $(if $(SCREENSHOTS),-screenshots '$(abspath $(SCREENSHOTS))')

test-terraform: ## Terraform's AWS provider on the examples and on what tune and the console write, where terraform is there
	$(GO) test -count 1 -v -timeout 30m -run TestTheRealProvider ./internal/terraform ./internal/tune ./internal/console -terraform

# A module of its own: it has all of Kubernetes, which nothing else is to depend on.
test-kubernetes: ## Flyball with a real control plane of Kubernetes, built from its modules: minutes of compiling the first time
	cd test/kubernetes && $(GO) test -count 1 -v -timeout 60m -p 2 ./... $(if $(RUN),-run '$(RUN)')

beside-kubernetes: ## the HPA controller of Kubernetes and Flyball on one load, in 20 minutes; LOAD=jumps is another load
	cd test/kubernetes && $(GO) run ./cmd/beside $(if $(LOAD),--load '$(LOAD)')

thousands-kubernetes: ## what Flyball needs to scale TARGETS (10000) Deployments of a cluster
	cd test/kubernetes && $(GO) run ./cmd/thousands $(if $(TARGETS),--targets '$(TARGETS)')

record-terraform: ## the calls of the provider, which make test plays again
	$(GO) test -count 1 -v -timeout 30m -run TestTheRealProvider ./internal/terraform -terraform -record

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.7.0 ./...

platforms: ## vet for the systems that make dist builds for and this one is not
	@for p in $(PLATFORMS); do echo $$p; GOOS=$${p%/*} GOARCH=$${p#*/} CGO_ENABLED=0 $(GO) vet ./... || exit 1; done

# Go's benchmarks print a line per benchmark with several values; awk makes a
# line of each: name value unit.
BENCHES ?= ./alarm ./scaling ./metric ./internal/service/cloudwatch ./internal/service/autoscaling ./internal/service/ecs ./internal/tsdb ./internal/logstore ./internal/service/logs ./internal/service/logs/pattern ./internal/server ./internal/balancer ./internal/balancer/http1
bench: build ## one line a figure: name value unit
	@$(GO) run ./internal/bench -flyball ./bin/flyball
	@$(GO) test -short -run '^$$' -bench . -benchmem -cpu 1 -benchtime 200ms $(BENCHES) | \
		awk '/^pkg:/ { sub("flyball/", "", $$2); pkg = $$2 } \
		     /^Benchmark/ { sub("Benchmark", "", $$1); for (i = 3; i < NF; i += 2) print pkg "." $$1, $$i, $$(i+1) }'

# BOUND is the time after which no round of a fault begins; FAULTS names some, with commas between them.
ROUNDS ?= 100
BOUND  ?= 10m
FAULTS ?=
torture: build ## ROUNDS of each fault on purpose, with a table of attempts and failures
	@$(GO) run ./internal/torture -flyball ./bin/flyball -rounds $(ROUNDS) -bound $(BOUND) -only '$(FAULTS)'

VARIANTS ?= .
variants: ## calls of every operation, right and wrong in every way, or of those that VARIANTS matches: how many are answered right
	$(GO) test -count 1 -v -timeout 120m -run TestVariants ./internal/server -variants '$(VARIANTS)'

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	@$(GO) list ./... | while read pkg; do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep ^Fuzz); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done; done

# The same commit makes the same programs, byte by byte, with the same release of Go: no path, time or
# number of the machine is in them, nor in the SBOMs, which name the tool that made them by its checksum.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
SBOM       = $(GO) run -trimpath github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0 bin \
		-json -std -noserial -notimestamp -version '$(or $(VERSION),unknown)'
SHA256     = $(shell command -v sha256sum >/dev/null && echo sha256sum || echo shasum -a 256)
dist: ## static binaries in dist/, with SHA256SUMS and an SBOM each
	@rm -rf dist && mkdir -p dist
	@for p in $(PLATFORMS); do \
		to=dist/flyball-$${p%/*}-$${p#*/}; echo $$to; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $$to ./cmd/flyball && \
		$(SBOM) -output $$to.cdx.json $$to || exit 1; \
	done
	@cd dist && $(SHA256) flyball-* >SHA256SUMS

IMAGE     ?= flyball
IMAGEARCH ?= $(shell $(GO) env GOARCH)
image: ## the image IMAGE for Docker, of IMAGEARCH
	@rm -rf dist/image && mkdir -p dist/image/data dist/image/tmp && chmod 1777 dist/image/tmp
	CGO_ENABLED=0 GOOS=linux GOARCH=$(IMAGEARCH) $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/image/flyball ./cmd/flyball
	docker build --platform linux/$(IMAGEARCH) -t '$(IMAGE)' .

generate: ## the generated tables (see the comments in them)
	$(GO) generate ./...

clean:
	rm -rf bin dist
