#!/usr/bin/env bash
# Fits the classifier again and lets it serve if your own log says that it is no worse and no dearer.
#
#   training/retrain.sh DATA_DIR PROMPTS.jsonl OUTCOMES.parquet...
#
# DATA_DIR        the service's data folder; the service may be running
# PROMPTS.jsonl   prompts of logged requests, which the log does not keep (docs/evaluation.md, "On your own log")
# OUTCOMES        outcome tables to fit on (datasets/outcome-table.md); `satisfice-train import` makes them
#
# Optional, by environment: TASKS=corpus.parquet to fit on, TEST_TASKS=labelled.parquet to measure on, OUT=folder for what is
# made, SATISFICE_TRAIN=the command. Ends with 0 where the new classifier serves from the next start on, 2 where the gate refuses it.
set -euo pipefail

if [ "$#" -lt 3 ]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
    exit 1
fi
data=$(realpath "$1")
prompts=$(realpath "$2")
shift 2
tables=()
for table in "$@"; do
    tables+=(--outcomes "$(realpath "$table")")
done
tasks=()
if [ -n "${TASKS:-}" ]; then
    tasks=(--tasks "$(realpath "$TASKS")")
fi
test_tasks=""
if [ -n "${TEST_TASKS:-}" ]; then
    test_tasks=$(realpath "$TEST_TASKS")
fi
out=${OUT:-$data/retrain/$(date -u +%Y%m%dT%H%M%SZ)}
mkdir -p "$out"
out=$(realpath "$out")

# `fit` finds our own prompts from the repository's root.
cd "$(dirname "$0")/.."
if [ -n "${SATISFICE_TRAIN:-}" ]; then
    train() { "$SATISFICE_TRAIN" "$@"; }
else
    cargo build --release --quiet -p satisfice-training
    train() { "${CARGO_TARGET_DIR:-target}/release/satisfice-train" "$@"; }
fi

echo "== fit: $out/artefact"
train fit "${tables[@]}" ${tasks[@]+"${tasks[@]}"} --out "$out/artefact"

if [ -n "$test_tasks" ]; then
    echo "== evaluate: $out/tasks.json"
    train evaluate-tasks --artefact "$out/artefact" --tasks "$test_tasks" --json "$out/tasks.json"
fi

echo "== promote: $out/verdict.json"
train promote --artefact "$out/artefact" --log "$data" --prompts "$prompts" --json "$out/verdict.json"
