#!/usr/bin/env bash
# cargo for WebAssembly: `tools/wasm_cargo.sh build --package convoke-web`. With rustup's target where that is installed
# (`rustup target add wasm32-unknown-unknown`); else with Debian's compiler for browsers, which comes with the standard library as
# source, built here as part of the workspace (`apt-get install rustc-web rust-web-src lld`).
#
#   tools/wasm_cargo.sh --can   succeeds where there is one or the other
#   CONVOKE_WASM_THREADS=1      builds for memory that workers share, with a standard library for it from source in any case
#                               (`rustup component add rust-src`)
set -euo pipefail
target=wasm32-unknown-unknown

has_target() { command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$target"; }

has_source() { [ -x "$1" ] && [ -d "$("$1" --print sysroot)/lib/rustlib/src/rust/library/std" ]; }

if [ "${1:-}" = --can ]; then
  has_target || has_source /usr/bin/rustc
  exit
fi

command=$1
shift
if [ "${CONVOKE_WASM_THREADS:-0}" = 1 ]; then
  threads="-C target-feature=+atomics,+bulk-memory,+mutable-globals -C link-arg=--shared-memory -C link-arg=--import-memory"
  threads+=" -C link-arg=--max-memory=4294967296"
  for symbol in __wasm_init_tls __tls_size __tls_align __tls_base; do threads+=" -C link-arg=--export=$symbol"; done
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="${CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS:-} $threads"
elif has_target; then
  exec cargo "$command" --target "$target" "$@"
fi
if has_source /usr/bin/rustc; then
  export RUSTC=/usr/bin/rustc CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld
elif ! has_source "$(command -v rustc)"; then
  echo "expected the target $target (rustup target add $target, and for threads rustup component add rust-src) or Debian's rustc-web" \
    "and rust-web-src, got neither" >&2
  exit 1
fi
export RUSTC_BOOTSTRAP=1
exec cargo "$command" -Z "build-std=std,panic_abort" --target "$target" "$@"
