# Countersign. `make` alone lists the commands.
.DEFAULT_GOAL := help
SHELL := bash
BIN := bin/countersign
TOOLS := bin/countersign-tools
GOLDEN = $(shell grep -rl --include='*_test.go' 'flag.Bool."update"' . 2>/dev/null | xargs -r -n1 dirname | sort -u)

CDK := npx --yes aws-cdk@2.1148.1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.PHONY: help run tools invoke doctor test quick night test-dynamodb dynamodb e2e synth preflight deploy acl figures bench load lint update pages vuln fuzz soak sbom clean

help: ## list the commands
	@awk -F':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Run
run: ## serve everything on http://localhost:8080 (ARGS="--listen localhost:9090" and others)
	@test -x $(BIN) || echo "building $(BIN), which takes about a minute the first time"
	@CGO_ENABLED=0 go build -trimpath -o $(BIN) ./cmd/countersign
	@exec $(BIN) serve $(ARGS)

tools: ## build bin/countersign-tools: smoke test, attacks, load, guess policy, deployments in AWS
	@test -x $(TOOLS) || echo "building $(TOOLS), which takes about a minute the first time"
	@CGO_ENABLED=0 go build -trimpath -o $(TOOLS) ./cmd/countersign-tools

invoke: ## run one real function here: F=user-totp-verify [E=event.json]
	@test -n "$(F)" || { echo "which function? make invoke F=user-totp-verify"; exit 2; }
	@bash scripts/with-dynamodb.sh go run ./cmd/lambda invoke $(F) $(if $(E),--event $(E))

doctor: ## check the server that runs here, and an application: ARGS="--app-url http://localhost:3000"
	@test -x $(BIN) || { echo "make run builds the server first"; exit 2; }
	@$(BIN) doctor $(ARGS)

##@ Test
test: ## run every test; lists at the end the parts that were left out, and why
	@bash scripts/test.sh

quick: ## run the fast tests, for after each change; the last line lists what is left out
	@bash scripts/quick.sh

night: synth ## run what make test has no time for: real zips, all fuzz targets, searches with fresh seeds, random order (T=10m each)
	@TZ=Pacific/Auckland bash scripts/with-dynamodb.sh bash scripts/packages.sh plain,dynamodb,infra go test -shuffle=on -count=2
	@bash scripts/contract.sh 200 "$$RANDOM"
	@$(MAKE) --no-print-directory fuzz soak T=$(or $(T),10m)

dynamodb: ## run the tests of the DynamoDB store, at DYNAMODB_ENDPOINT or at a server that it starts
	@bash scripts/with-dynamodb.sh go test -count=1 -v ./internal/store/dynamo

test-dynamodb: dynamodb

e2e: ## Clerk's own SDKs and our pages in a real browser
	@bash scripts/e2e.sh

##@ Deploy
synth: ## the CloudFormation templates, in cdk.out (SETTINGS=file, ZIPS=directory of built functions, OUT=directory)
	@$(CDK) synth -q --no-notices $(if $(OUT),--output '$(OUT)')

preflight: synth tools ## ask the AWS account of your shell whether a deployment would succeed (SETTINGS=file)
	@$(TOOLS) preflight '$(or $(OUT),cdk.out)'

deploy: preflight ## deploy to the AWS account of your shell, and try the result (SETTINGS=file)
	@bash scripts/deploy.sh $(CDK) deploy --all --no-notices --no-previous-parameters --app '$(or $(OUT),cdk.out)'

acl: ## the web ACL of CloudFront in us-east-1, for edge.acl (SETTINGS=file)
	@STACK=acl $(CDK) deploy --no-notices --output bin/acl

##@ Measure
figures: ## sizes, starts and invocations of the functions
	@bash scripts/with-dynamodb.sh go run ./cmd/lambda figures

bench: ## time, allocations and store round trips per operation
	go test -run '^$$' -bench . -benchmem ./internal/...
	@bash scripts/with-dynamodb.sh go run ./cmd/lambda figures

load: tools ## measure a server from outside: checks per second, latency, CPU, memory
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/countersign
	@$(TOOLS) load $(ARGS) 2>/dev/null

##@ Maintain
lint: ## static checks
	@bash scripts/lint.sh

update: ## rewrite the golden files
	bash scripts/with-dynamodb.sh go test $(GOLDEN) -update

pages: ## make the pictures of docs/use/pages.md, with the browser tests
	@SHOTS=pages/screenshots bash scripts/e2e.sh pages/ && node e2e/pages/pictures.js

vuln: ## look for known vulnerabilities in code that the program reaches
	@bash scripts/vulnerabilities.sh

fuzz: ## run every fuzz target for T (10s); at night: make fuzz T=10m
	@bash scripts/fuzz.sh $(or $(T),10s)

soak: ## run lincheck and takeover with fresh seeds for T each (1m); for nights
	go test -count=1 -timeout 0 ./test/lincheck -soak $(or $(T),1m)
	go test -count=1 -timeout 0 ./test/takeover -run TestNoThiefSucceeds -soak $(or $(T),1m)
	@bash scripts/with-dynamodb.sh go test -count=1 -timeout 0 ./internal/store/dynamo -run Histories -soak $(or $(T),1m)

sbom: ## write the bill of materials as CycloneDX to bin/sbom.json
	@mkdir -p bin
	@go run ./internal/ops/sbom/write "$$(git describe --always --dirty)" > bin/sbom.json

clean: ## remove what was built
	rm -rf bin .tools
