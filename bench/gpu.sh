#!/bin/sh
# All GPU measurements in one call of at most nine minutes, on a bare machine with CUDA and JAX.
#
#     WHEELS=wheels DATA=cats_and_dogs_filtered WEIGHTS=mobilenet_v2.h5 bench/gpu.sh gpu.json
#
# WHEELS is a folder of wheels for a machine without a network; make it with
#     pip download --only-binary=:all: -d wheels '.[vision,gpu]' setuptools
# DATA and WEIGHTS may be left out: then the images are noise, and the weights are fetched.
set -eu
cd "$(dirname "$0")/.."
out=${1:-gpu.json}
python3 -m venv --system-site-packages "${TMPDIR:-/tmp}/ablations-gpu"
python="${TMPDIR:-/tmp}/ablations-gpu/bin/python"
if [ -n "${WHEELS:-}" ]; then
    "$python" -m pip install -q --no-index --find-links "$WHEELS" --no-build-isolation -e '.[vision,gpu]'
else
    "$python" -m pip install -q -e '.[vision,gpu,jax]'
fi
exec "$python" bench/gpu.py --out "$out" ${DATA:+--data "$DATA"} ${WEIGHTS:+--weights "$WEIGHTS"} ${MORE:-}
