# Countersign. `make` alone lists the commands.
.DEFAULT_GOAL := help
SHELL := bash
BIN := bin/countersign
GOLDEN := $(shell grep -rl --include='*_test.go' 'flag.Bool."update"' . 2>/dev/null | xargs -r -n1 dirname | sort -u)

.PHONY: help run test dynamodb lint bench load update fuzz clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F":.*## " "{printf \"  make %-8s %s\\n\", \$$1, \$$2}"

run: ## serve everything on http://localhost:8080 (ARGS="--listen localhost:9090" and others)
	@CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/countersign
	@exec $(BIN) serve $(ARGS)

test: ## run every test; says loudly what was left out and why
	@bash scripts/test.sh

dynamodb: ## the store conformance against DYNAMODB_ENDPOINT, or a server of its own
	@bash scripts/with-dynamodb.sh go test -count=1 -v ./internal/dynamo

lint: ## static checks
	@bash scripts/lint.sh

bench: ## time, allocations and store round trips per operation
	go test -run '^$$' -bench . -benchmem ./internal/...

load: ## measure a server from outside: checks per second, latency, CPU, memory
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/countersign
	@$(BIN) load $(ARGS) 2>/dev/null

update: ## rewrite the golden files
	go test $(GOLDEN) -update

fuzz: ## run every fuzz target for T (10s)
	@bash scripts/fuzz.sh $(or $(T),10s)

clean: ## remove what was built
	rm -rf bin .tools
