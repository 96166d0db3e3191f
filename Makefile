# Everything a person runs, by name. `make test` is what continuous integration runs.
.PHONY: demo test lint bench fuzz tools fmt

CARGO ?= cargo

## demo: the gateway, two simulated identity providers and a sample app; prints the URL to open
demo:
	scripts/install-build-tools
	$(CARGO) run -- demo

## tools: what the tests need beside Rust
tools:
	scripts/install-test-tools

## lint: formatting and clippy; warnings are errors
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

fmt:
	$(CARGO) fmt --all

## test: lint, build, every test: from inside each room and from outside
test: tools lint
	$(CARGO) nextest run --workspace

## bench: complete sign-ins a second and core, beside the raw cost of their cryptography (about 2 minutes)
bench:
	$(CARGO) bench --bench logins

## fuzz: every target for FUZZ_SECONDS each
FUZZ_SECONDS ?= 60
fuzz:
	scripts/fuzz $(FUZZ_SECONDS)
