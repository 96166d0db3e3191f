# Everything a person runs, by name. `make test` is what continuous integration runs.
.PHONY: demo test lint bench bench-stores fuzz screenshots tools fmt

CARGO ?= cargo
# What is tested and measured holds every feature; what `make demo` builds needs no C library.
FEATURES = --features samael,otel

## demo: the gateway, six simulated identity providers, a sample app and a preview of the hosted pages; prints the URLs to open
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

## bench: sign-ins a second and core, embedded and with Redis and PostgreSQL, with 1,000 to 1,000,000 users; SAML
## verifications beside xmlsec1; both beside the raw cost of their cryptography (under 10 minutes, once it is built)
bench:
	scripts/install-test-tools
	$(CARGO) bench --bench logins
	$(CARGO) bench --package poolgate-providers --bench saml $(FEATURES)

## bench-stores: every step of a sign-in that asks a store, by itself
bench-stores:
	scripts/install-test-tools
	$(CARGO) bench --bench stores

## fuzz: every target for FUZZ_SECONDS each
FUZZ_SECONDS ?= 60
fuzz:
	scripts/fuzz $(FUZZ_SECONDS)

## screenshots: the pictures of docs/hosted-pages.md, anew
screenshots:
	scripts/install-test-tools
	$(CARGO) nextest run $(FEATURES) --test outside --run-ignored only -E 'test(/^hosted::pictures::/)'
