"""Keeps what an MLflow server answers to the importer: python with_mlflow_server.py ADDRESS FILE.

Runs where this project is installed; start the server on the database of ``with_mlflow.py``.
"""

from __future__ import annotations

import json
import lzma
import sys
from pathlib import Path

from ablations.records.tools import mlflow_server

KEPT = {"test/acc", "val/acc", "train/loss"}


def main(server: str, file: str) -> None:
    answers: dict[str, str] = {}
    ask = mlflow_server._answer

    def kept(address: str, body: bytes | None = None) -> bytes:
        found = ask(address, body)
        answers[f"{address.removeprefix(server)} {(body or b'').decode()}"] = found.decode()
        return found

    mlflow_server._answer = kept
    for wanted in (None, KEPT):
        assert list(mlflow_server.READER.read(server, wanted))
    Path(file).write_bytes(lzma.compress(json.dumps(answers).encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
