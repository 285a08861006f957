#!/usr/bin/env bash
# The walk that docs/registry.md describes, at the project's root, with the environment active:
#
#     docs/registry_walk.sh [SETTINGS OF THE WEAK MODEL [SETTINGS OF THE BETTER ONE]]
#
# It trains two models, and takes both through comparison, the gate, serving, lineage and rollback.
# tests/system/test_registry_walk.py runs it on a tiny corpus.
set -euo pipefail
weak_settings=${1:--S train.epochs=3}
better_settings=${2:--S train.epochs=14}
port=${PORT:-5001}

step() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
run_id() { python -c 'import json; print(json.load(open("models/run.json"))["run_id"])'; }

if [ "$(tracelate history --json 2>/dev/null || echo '[]')" != '[]' ]; then
    echo 'registry.name of params.yaml has had a champion already: walk with another name' >&2
    exit 1
fi

step "Two experiments"
# shellcheck disable=SC2086  # settings are several words
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

step "The first model has nothing to beat"
tracelate promote "$weak"

step "Is the other one better?"
tracelate compare "$weak" "$better" --output reports/comparison

step "The gate opens for the better one, and stays shut for the weaker one"
tracelate promote "$better" --dry-run
tracelate promote "$better"
if tracelate promote "$weak"; then
    echo "the weaker model was promoted" >&2
    exit 1
fi
tracelate history

step "Serve it, and ask it"
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

step "Where does what is served come from, and is it still so?"
tracelate lineage "http://127.0.0.1:$port" --verify
kill "$server"
wait "$server" || true

step "Back to the model before"
tracelate rollback --reason 'a walk'
tracelate history
tracelate doctor
