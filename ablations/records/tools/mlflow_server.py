"""Reads the runs of an MLflow server over its REST API.

``MLFLOW_TRACKING_TOKEN``, or ``MLFLOW_TRACKING_USERNAME`` with ``MLFLOW_TRACKING_PASSWORD``, are
sent where the environment has them, as MLflow's own client does.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from ablations.core.record import IMPORTED
from ablations.errors import StoreError
from ablations.records.tools import mlflow
from ablations.records.tools.run import (
    Reader,
    SourceRun,
    Wanted,
    between,
    moment,
    ordered,
)

_API = "/api/2.0/mlflow/"
_SECONDS = 60
_PAGE = 1000
_POINTS = 25_000


def _takes(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _read(source: str, wanted: Wanted) -> Iterator[SourceRun]:
    server = source.rstrip("/")
    version = _answer(f"{server}/version").decode(errors="replace").strip()
    known = _pages(server, "experiments/search", {"max_results": _PAGE}, "experiments")
    names = {own["experiment_id"]: own["name"] for own in known}
    for one in sorted(names):
        query = {"experiment_ids": [one], "max_results": _PAGE, "order_by": ["start_time ASC"]}
        for found in _pages(server, "runs/search", query, "runs"):
            yield _run(server, found, names[one], wanted=wanted, version=version)


def _run(
    server: str, found: Mapping[str, Any], experiment: str, *, wanted: Wanted, version: str
) -> SourceRun:
    info, data = found["info"], found.get("data", {})
    tags = {tag["key"]: tag.get("value", "") for tag in data.get("tags", ())}
    start, end = (mlflow.seconds(_whole(info.get(name))) for name in ("start_time", "end_time"))
    latest = {metric["key"]: metric for metric in data.get("metrics", ())}
    inputs = found.get("inputs", {}).get("dataset_inputs", ())
    return SourceRun(
        name=info["run_id"],
        params={param["key"]: param.get("value", "") for param in data.get("params", ())},
        series={
            key: ordered([_point(own)] if wanted is None else _history(server, info["run_id"], key))
            for key, own in latest.items()
            if wanted is None or key in wanted
        },
        labels=mlflow.labels_of(tags, experiment),
        state=mlflow.state_of(info.get("status")),
        started_at=moment(start),
        seconds=between(start, end),
        data=mlflow.one_data([own["dataset"]["digest"] for own in inputs]),
        facts={**mlflow.facts_of(tags), IMPORTED: f"{mlflow.TITLE} {version}"},
    )


def _whole(value: object) -> int | None:
    """Returns a whole number, which JSON may hold as text."""
    return int(str(value)) if str(value).isdigit() else None


def _point(metric: Mapping[str, Any]) -> tuple[float, float]:
    return int(metric.get("step", 0)), mlflow.number(float(metric["value"]))


def _history(server: str, run: str, key: str) -> list[tuple[float, float]]:
    query = {"run_id": run, "metric_key": key, "max_results": _POINTS}
    found = list(_pages(server, "metrics/get-history", query, "metrics", get=True))
    found.sort(key=lambda own: (int(own.get("step", 0)), int(own["timestamp"])))
    return [_point(own) for own in found]


def _pages(
    server: str, call: str, query: Mapping[str, Any], what: str, *, get: bool = False
) -> Iterator[Mapping[str, Any]]:
    """Yields the entries of all pages of an answer."""
    token = ""
    while True:
        asked = {**query, **({"page_token": token} if token else {})}
        address = f"{server}{_API}{call}"
        if get:
            answer = _answer(f"{address}?{urlencode(asked)}")
        else:
            answer = _answer(address, json.dumps(asked).encode())
        try:
            found = json.loads(answer)
            yield from found.get(what, ())
            token = found.get("next_page_token", "")
        except (ValueError, AttributeError) as error:
            raise _no_server(server, "an answer of another kind") from error
        if not token:
            return


def _answer(address: str, body: bytes | None = None) -> bytes:
    request = Request(address, data=body, headers=_headers())  # noqa: S310 - http or https only
    try:
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            found: bytes = answer.read()
    except HTTPError as error:
        error.close()
        raise _no_server(address, f"{error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise _no_server(address, str(getattr(error, "reason", error))) from error
    return found


def _headers() -> dict[str, str]:
    found = {"Content-Type": "application/json"}
    user, token = (os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "TOKEN"))
    if token:
        found["Authorization"] = f"Bearer {token}"
    elif user:
        both = f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"
        found["Authorization"] = f"Basic {base64.b64encode(both.encode()).decode()}"
    return found


def _no_server(address: str, received: str) -> StoreError:
    return StoreError(
        f"{address} does not answer as an MLflow server does",
        received=received,
        cure="Check the address, and that 'mlflow server' runs there; a server that asks who you "
        "are takes MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD",
    )


READER = Reader("mlflow", mlflow.TITLE, _takes, _read)
