#!/usr/bin/env bash
# Shares the results of a project over an S3 server on this machine, and takes them up in a fresh clone.
# Start it at the root of a project whose results are committed, with the environment active:
#
#     pip install --constraint constraints.txt 'dvc[s3]' 'moto[server]'
#     docs/storage_walk.sh
#
# The server is that of moto, which keeps its files in memory. The project and its settings stay as
# they are: the storage is named in .dvc/config.local, until the script ends. docs/guides/team.md has
# what it prints.
set -euo pipefail
port=${PORT:-5005}
address=http://127.0.0.1:$port
folder=$(mktemp -d)
project=$PWD
export AWS_ACCESS_KEY_ID=example AWS_SECRET_ACCESS_KEY=example AWS_DEFAULT_REGION=us-east-1
export MLFLOW_TRACKING_URI=${MLFLOW_TRACKING_URI:-sqlite:///$project/mlflow.db}
export NO_PROXY=127.0.0.1

step() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
name_storage() {
    dvc remote add --local walk s3://tracelate/files
    dvc remote modify --local walk endpointurl "$address"
}

if [ -n "$(git status --porcelain)" ]; then
    echo 'this folder has changes that are not committed: commit them first' >&2
    exit 1
fi

step "Start the server and make a bucket"
moto_server --host 127.0.0.1 --port "$port" > "$folder/server.log" 2>&1 &
server=$!
trap 'kill "$server"; dvc --cd "$project" remote remove --local walk 2> /dev/null; rm -rf "$folder"' EXIT
curl --silent --fail --retry 60 --retry-delay 1 --retry-connrefused --noproxy '*' \
    --request PUT "$address/tracelate" > /dev/null

step "Push the files of this project"
name_storage
dvc push --remote walk

step "Clone it, and pull them"
git clone --quiet "$project" "$folder/clone"
cd "$folder/clone"
export PYTHONPATH=$PWD/src:$PWD
mkdir -p -m 700 .tracelate/dvc
dvc config --local core.site_cache_dir "$PWD/.tracelate/dvc"
name_storage
dvc pull --remote walk

step "Nothing is trained again"
dvc repro | tee "$folder/repro.log"
if grep -q 'Running stage' "$folder/repro.log"; then
    echo 'a stage ran in the clone' >&2
    exit 1
fi

step "The clone is complete"
dvc status --remote walk --cloud
git status --short
tracelate doctor
