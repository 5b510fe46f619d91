#!/usr/bin/env bash
# The whole suite on SQLite, then on a real PostgreSQL. Arguments go to pytest both times.
set -uo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
status=0
results=()
for database in sqlite postgres; do
    printf '\n== %s ==\n' "$database"
    if TEST_DATABASE=$database .venv/bin/python -m pytest -n "${TEST_PROCESSES:-2}" "$@" </dev/null; then
        results+=("$database passed")
    else
        results+=("$database FAILED")
        status=1
    fi
done
printf '\nmake test: %s, %s (%d s)\n' "${results[@]}" $((SECONDS - started))
exit $status
