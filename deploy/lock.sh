#!/bin/sh
# Writes deploy/requirements.lock: requirements.txt and all that it needs, with hashes, for Python 3.11 on Linux x86-64 and torch without CUDA.
# Needs uv. With arguments, torch comes from where they say: deploy/lock.sh --find-links FOLDER_WITH_ITS_WHEEL
cd "$(dirname "$0")/.." || exit
[ $# -gt 0 ] || set -- --torch-backend cpu
exec uv pip compile requirements.txt --quiet --generate-hashes --no-annotate --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
  --custom-compile-command deploy/lock.sh --output-file deploy/requirements.lock "$@"
