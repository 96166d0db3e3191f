# Everything a person runs, by name. `make test` is what continuous integration runs.
.PHONY: demo test lint bench fuzz tools fmt

CARGO ?= cargo
# What is tested and measured holds every feature; what `make demo` builds needs no C library.
FEATURES = --features samael,otel

## demo: the gateway, six simulated identity providers and a sample app; prints the URL to open
demo:
	scripts/install-build-tools
	$(CARGO) run -- demo

## tools: what the tests need beside Rust
tools:
	scripts/install-test-tools

## lint: formatting and clippy; warnings are errors
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets $(FEATURES) --quiet -- -D warnings

fmt:
	$(CARGO) fmt --all

## test: lint, build, every test: from inside each room and from outside
test: tools lint
	scripts/with-postgres $(CARGO) nextest run --workspace $(FEATURES)

## bench: sign-ins and SAML verifications a second and core, beside the raw cost of their cryptography and
## beside xmlsec1 (about 3 minutes)
bench:
	scripts/install-test-tools
	$(CARGO) bench --bench logins
	$(CARGO) bench --package poolgate-providers --bench saml $(FEATURES)

## fuzz: every target for FUZZ_SECONDS each
FUZZ_SECONDS ?= 60
fuzz:
	scripts/fuzz $(FUZZ_SECONDS)
