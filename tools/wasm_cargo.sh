#!/usr/bin/env bash
# cargo for WebAssembly: `tools/wasm_cargo.sh build --package convoke-web`. With rustup's target where that is installed
# (`rustup target add wasm32-unknown-unknown`); else with Debian's compiler for browsers, which comes with the standard library as
# source, built here as part of the workspace (`apt-get install rustc-web rust-web-src lld`).
#
#   tools/wasm_cargo.sh --can   succeeds where there is one or the other
set -euo pipefail
target=wasm32-unknown-unknown

has_target() { command -v rustup >/dev/null && rustup target list --installed 2>/dev/null | grep -qx "$target"; }

has_source() { [ -x /usr/bin/rustc ] && [ -d "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std" ]; }

if [ "${1:-}" = --can ]; then
  has_target || has_source
  exit
fi

command=$1
shift
if has_target; then
  exec cargo "$command" --target "$target" "$@"
fi
if ! has_source; then
  echo "expected the target $target (rustup target add $target) or Debian's rustc-web and rust-web-src, got neither" >&2
  exit 1
fi
export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld
exec cargo "$command" -Z "build-std=std,panic_abort" --target "$target" "$@"
