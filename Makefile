# The frequent commands.  Meson does the work; every build directory is under build/:
# out (gcc, the default), clang, asan (clang, ASan + UBSan), tsan (clang, TSan), fuzz (clang,
# libFuzzer).
J ?= $(shell nproc)
PYTHON ?= /usr/bin/python3
export J
# Its linker, where it is there, takes a third of the time of the other for hundreds of test programs.
CLANG = CC=clang $(if $(shell command -v ld.lld),CC_LD=lld)

all: build/out/build.ninja
	ninja -j$(J) -C build/out

# The two programs alone: what ./run needs.
programs: build/out/build.ninja
	ninja -j$(J) -C build/out dialtoned dialtone

build/out/build.ninja:
	CC=gcc meson setup build/out
build/clang/build.ninja:
	$(CLANG) meson setup build/clang
build/asan/build.ninja:
	$(CLANG) meson setup -Db_sanitize=address,undefined -Dbench=false build/asan
build/tsan/build.ninja:
	$(CLANG) meson setup -Db_sanitize=thread -Dbench=false build/tsan
build/fuzz/build.ninja:
	$(CLANG) meson setup -Db_sanitize=address,undefined -Dbench=false -Dfuzz=true build/fuzz

# Builds (gcc, clang, sanitizers), gates, C tests.  Installs nothing.
check:
	$(PYTHON) tools/run-tests check

unit: all
	meson test -C build/out --print-errorlogs --num-processes $(J)

flow interop faults:
	$(MAKE) all
	$(PYTHON) tools/run-tests $@

# The unit tests under ThreadSanitizer.
tsan:
	$(PYTHON) tools/run-tests tsan

# A minute for each target.
fuzz:
	FUZZ_S=$(or $(FUZZ_S),60) $(PYTHON) tools/run-tests fuzz

lint: build/clang/build.ninja
	ninja -j$(J) -C build/clang
	tools/lint

format:
	find src tests bench contrib -name '*.[ch]' -print0 | xargs -0 clang-format -i

clean:
	rm -rf build/out build/clang build/asan build/tsan build/fuzz build/test

# CPU time and memory beside Kamailio, coturn and a bare echo; tools/packages/bench names what it needs.
bench: all
	$(PYTHON) bench/run.py
bench-full: all
	$(PYTHON) bench/run.py --full

# The page of the settings, from the tables of the program.
manual: programs
	cat docs/man/dialtone.conf.5.in > docs/man/dialtone.conf.5
	build/out/dialtoned --print-settings >> docs/man/dialtone.conf.5

# The pictures of docs/browser.md, from the stories of the browser client (a font with emoji must be installed:
# Debian's fonts-noto-color-emoji); all others are in build/pictures then.
PICTURES = chat-details-light chats-dark chat-phone group-details-light files-light changes-light \
	call-rings-light call-video-dark search-messages-light card-light self-phone attendant-light
pictures:
	tools/build-web quick
	cd web && npm run pictures -- ../build/pictures
	cp $(PICTURES:%=build/pictures/%.png) docs/pictures

.PHONY: all programs manual pictures bench bench-full check unit tsan flow interop faults fuzz lint format clean
