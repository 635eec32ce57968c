#!/usr/bin/env bash
# Packs everything that a machine with a GPU and nothing but its Vulkan driver needs to check and time convoke.
#
#     tools/pack_for_gpu.sh FOLDER [MODEL.onnx ...]
#
# Copy FOLDER there and run FOLDER/run: it prints the adapter, runs the operator suite, the ONNX node cases and the networks on
# it, verifies and times each model, the layers and the operators, and leaves results/results.json, results/table.txt and the
# logs. Exit status 1 where anything failed. CONVOKE_ADAPTER and CONVOKE_DEVICE_CLASS choose as everywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:?a folder to write is expected}
shift
mkdir -p "$folder/bin" "$folder/tests" "$folder/models"

echo "== building"
cargo build --release --locked --package convoke-cli
cp "${CARGO_TARGET_DIR:-target}/release/convoke" "$folder/bin/"
for test in gpu onnx_node networks; do
    binary=$(cargo test --locked --all-features --no-run --message-format=json --test "$test" |
        sed -n 's/.*"name":"'"$test"'".*"executable":"\([^"]*\)".*/\1/p' | tail -1)
    cp "$binary" "$folder/bin/$test"
done
strip "$folder"/bin/*
cp -r tests/data "$folder/tests/"
cp models/*.onnx models/*.safetensors "$@" "$folder/models/"

cat > "$folder/run" <<'RUN'
#!/usr/bin/env bash
# Checks and times convoke on this machine's GPU: see results/ afterwards.
set -uo pipefail
cd "$(dirname "$0")"
export CONVOKE_ROOT=$PWD CONVOKE_REQUIRE_GPU=1 CONVOKE_ADAPTER=${CONVOKE_ADAPTER:-hardware}
mkdir -p results
failed=0
parts=()

# A step by its name: its log is kept, its last lines shown.
step() {
    local name=$1
    shift
    echo "== $name"
    if "$@" > "results/$name.log" 2>&1; then status=passed; else status=failed; failed=1; fi
    tail -n 4 "results/$name.log"
    parts+=("\"$name\": \"$status\"")
}

bin/convoke devices | tee results/devices.txt
step operators bin/gpu
step onnx_node bin/onnx_node gpu/
step networks bin/networks --skip cpu/
for model in models/*.onnx; do
    name=$(basename "$model" .onnx)
    step "verify-$name" bin/convoke verify "$model"
    step "bench-$name" bin/convoke bench "$model" --json "results/bench-$name.json"
done
step bench-layers bin/convoke bench --layers --json results/bench-layers.json
step bench-ops bin/convoke bench --ops --json results/bench-ops.json

{
    printf '{"steps": {'
    (IFS=,; printf '%s' "${parts[*]}")
    printf '}, "benches": {'
    comma=
    for file in results/bench-*.json; do
        printf '%s"%s": ' "$comma" "$(basename "$file" .json)"
        cat "$file"
        comma=,
    done
    printf '}}\n'
} > results/results.json
cat results/devices.txt results/bench-*.log > results/table.txt
echo "results/results.json, results/table.txt"
exit $failed
RUN
chmod +x "$folder/run"
du -sh "$folder"
