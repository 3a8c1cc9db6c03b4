# The menu. Each line calls one script or Meson; `make` alone builds build/sluice and nothing else.
BUILD ?= build
T ?= 10
SEED ?= 1

.PHONY: all help demo test bench bench-gateway lint asan sim soak fuzz install fresh clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) sluice

help:
	@echo "make            build $(BUILD)/sluice"
	@echo "make demo       set up, build, run a batch against an emulated provider"
	@echo "make test       set up, build, run all tests"
	@echo "make bench      speed and efficiency, as ratios and medians of one run"
	@echo "make bench-gateway  sluice serve beside nginx, haproxy and Portkey (ARGS=--quick)"
	@echo "make sim        the simulation grid (SEED=$(SEED))"
	@echo "make lint       clang-format, clang-tidy, house rules, man pages"
	@echo "make asan       all tests under ASan and UBSan"
	@echo "make soak       a gateway under every fault and many reloads, T=600 seconds"
	@echo "make fuzz       libFuzzer, T=$(T) seconds for each parser"
	@echo "make install    install the binary and its man pages (DESTDIR, PREFIX)"
	@echo "make fresh      prove demo and test in a clean Debian 12 root"

$(BUILD)/build.ninja:
	@scripts/setup build
	@meson setup $(BUILD) $(MESON_ARGS) >/dev/null

demo:
	@scripts/setup build
	@$(MAKE) --no-print-directory all
	@scripts/demo $(BUILD)

test:
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@scripts/test $(BUILD)

bench:
	@scripts/setup test
	@scripts/bench

bench-gateway:
	@scripts/setup bench
	@scripts/bench gateway $(ARGS)

lint:
	@scripts/setup lint
	@scripts/lint

asan:
	@scripts/setup lint
	@scripts/asan

sim:
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@ninja -C $(BUILD) tests/sim/sim
	@$(BUILD)/tests/sim/sim --seed $(SEED) --jobs 2
	@$(BUILD)/tests/sim/sim --hidden --seed $(SEED) --jobs 2

soak:
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@SLUICE=$(BUILD)/sluice python3 tests/e2e/serve_soak.py $(T)

fuzz:
	@scripts/setup lint
	@scripts/fuzz $(T)

install: all
	@meson install -C $(BUILD) --no-rebuild

fresh:
	@scripts/setup fresh
	@scripts/fresh

clean:
	@rm -rf $(BUILD) build-*
