#!/usr/bin/env bash
# Runs the example of docs/registry.md. Start it at the project's root with the environment active:
#
#     docs/registry_walk.sh [SETTINGS OF THE WEAK MODEL [SETTINGS OF THE BETTER ONE]]
#
# It trains two models, compares them, promotes and serves the better one, verifies its lineage and
# rolls back. tests/system/test_registry_walk.py runs it on a tiny corpus.
set -euo pipefail
weak_settings=${1:--S train.epochs=3}
better_settings=${2:--S train.epochs=14}
port=${PORT:-5001}

step() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run_id() { python -c 'import json; print(json.load(open("models/run.json"))["run_id"])'; }

if [ "$(tracelate history --json 2>/dev/null || echo '[]')" != '[]' ]; then
    echo 'the model registry.name of params.yaml has already had a champion: choose another name' >&2
    exit 1
fi

step "Two experiments"
# shellcheck disable=SC2086  # the settings are several arguments
dvc exp run $weak_settings
weak=$(run_id)
# shellcheck disable=SC2086
dvc exp run $better_settings
better=$(run_id)
if [ "$weak" = "$better" ]; then
    echo "both settings are the same: $weak_settings; $better_settings" >&2
    exit 1
fi
tracelate runs

step "Promote the first model: there is no champion yet"
tracelate promote "$weak"

step "Compare both models"
tracelate compare "$weak" "$better" --output reports/comparison

step "The gate accepts the better model and refuses the weaker one"
tracelate promote "$better" --dry-run
tracelate promote "$better"
if tracelate promote "$weak"; then
    echo "the weaker model was promoted" >&2
    exit 1
fi
tracelate history

step "Serve the champion and translate with it"
name=$(python -c 'from tracelate.config import load_params; print(load_params().registry.name)')
tracelate serve "models:/$name@champion" --port "$port" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
until curl --silent --fail "http://127.0.0.1:$port/health" >/dev/null; do
    kill -0 "$server"
    sleep 1
done
curl --silent --show-error --fail --include "http://127.0.0.1:$port/invocations" \
    --header 'Content-Type: application/json' \
    --data '{"inputs": ["Could not connect to the device."], "params": {"with_scores": true}}'
echo
echo 'The device is not connected.' | tracelate translate --model "models:/$name@champion"

step "Trace the served model, and verify its lineage"
tracelate lineage "http://127.0.0.1:$port" --verify
kill "$server"
wait "$server" || true

step "Roll back to the previous champion"
tracelate rollback --reason 'example of a rollback'
tracelate history
tracelate doctor
