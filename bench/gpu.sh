#!/bin/sh
# All GPU measurements in one call of at most nine minutes, on a bare machine with CUDA and JAX.
#
#     WHEELS=wheels DATA=cats_and_dogs_filtered WEIGHTS=mobilenet_v2.h5 bench/gpu.sh gpu.json
#
# WHEELS is a folder with the wheels that a machine without a network lacks, that of this project
# among them; make it with
#     pip download --only-binary=:all: --no-deps -d wheels NAMES; pip wheel --no-deps -w wheels .
# They are laid beside the packages of the machine's own Python, which may have JAX already.
# DATA and WEIGHTS may be left out: then the images are noise, and the weights are fetched.
set -eu
cd "$(dirname "$0")/.."
out=${1:-gpu.json}
site="${TMPDIR:-/tmp}/ablations-gpu"
if [ -n "${WHEELS:-}" ]; then
    python3 -m pip install -q --no-index --no-deps --upgrade --target "$site" "$WHEELS"/*.whl
else
    python3 -m pip install -q --target "$site" '.[vision,gpu,jax]'
fi
PYTHONPATH="$site" exec python3 bench/gpu.py --out "$out" ${DATA:+--data "$DATA"} \
    ${WEIGHTS:+--weights "$WEIGHTS"} ${MORE:-}
