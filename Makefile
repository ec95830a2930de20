# The frequent commands.  Meson does the work; every build directory is under build/:
# out (gcc, the default), clang, asan (clang, ASan + UBSan), fuzz (libFuzzer).
J ?= $(shell nproc)
PYTHON ?= /usr/bin/python3

all: build/out/build.ninja
	ninja -j$(J) -C build/out

build/out/build.ninja:
	CC=gcc meson setup build/out
build/clang/build.ninja:
	CC=clang meson setup build/clang
build/asan/build.ninja:
	CC=clang meson setup -Db_sanitize=address,undefined -Dbench=false build/asan
build/fuzz/build.ninja:
	CC=clang meson setup -Db_sanitize=address,undefined -Dbench=false -Dfuzz=true build/fuzz

unit: all
	meson test -C build/out --print-errorlogs --num-processes $(J)

clean:
	rm -rf build/out build/clang build/asan build/fuzz

.PHONY: all unit clean
