#!/usr/bin/env bash
# Install a wheel, core only, in an environment and folder made for it, and do with it what needs no extra.
# Usage: clean_environment.sh PYTHON WHEEL CONSTRAINTS
set -euo pipefail
python=$1 wheel=$(realpath "$2") constraints=$(realpath "$3")
unset PYTHONPATH
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"$python" -m venv env
env/bin/python -m pip install --quiet --constraint "$constraints" "$wheel"
home=$(env/bin/python -c 'import mimetic2, sys; print(mimetic2.__file__)')
case $home in "$place"/*) ;; *) echo "mimetic2 came from $home, not from the wheel" >&2; exit 1 ;; esac
if env/bin/python -c 'import torch' 2>/dev/null; then echo "the core brought torch along" >&2; exit 1; fi
env/bin/mimetic2 --help >help.txt
env/bin/mimetic2 doctor >doctor.txt
# Scores that jump at 100 images (10²).
{ echo concept,count,score
  for i in $(seq 0 39); do
    count=$((i * i)); if [ "$count" -ge 100 ]; then base=60; else base=10; fi
    echo "concept $i,$count,0.$((base + i % 5))"
  done; } >table.csv
env/bin/mimetic2 threshold table.csv --json >robust.json
env/bin/mimetic2 threshold table.csv --method paper --json >paper.json
for method in robust paper; do
  found=$(env/bin/python -c 'import json, sys; print(json.load(open(sys.argv[1]))["threshold"])' $method.json)
  [ "$found" = 100 ] || { echo "$method: threshold $found instead of 100" >&2; exit 1; }
done
# A stage that needs an extra says so with exit code 3 and the command that installs it.
code=0; env/bin/mimetic2 demo --out demo 2>missing.txt || code=$?
[ "$code" = 3 ] && grep -q "pip install" missing.txt || { echo "demo without its extra: $code, $(cat missing.txt)" >&2; exit 1; }
echo "the wheel works on its own: $(basename "$wheel")"
