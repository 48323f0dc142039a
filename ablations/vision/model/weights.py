"""Has the weights of a base in place, and sees that they fit it, before the first trial starts.

Only Keras knows the addresses of its weights and how to read a file of them. So a process of its
own builds the base once; the driver, which imports no framework, follows its progress.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, cast

from ablations.errors import DataError
from ablations.vision.data.download import content_length
from ablations.vision.data.folders import ReportBytes
from ablations.vision.platform import cache
from ablations.vision.recipe.settings import Recipe, read

_READY = "ready"


def make_ready(recipe: Recipe, shape: tuple[int, int, int], report: ReportBytes) -> None:
    """Downloads the base's weights if they are to be and are not there; tries them out.

    Args:
        recipe: Names the base and its weights.
        shape: Of an image, (height, width, channel).
        report: Told the bytes done and the bytes in all while weights are downloaded.

    Raises:
        DataError: if the weights cannot be had, are damaged, or do not fit the base.
        StudyError: if the base cannot be built.
    """
    if recipe.base is None or not recipe.pretrained_elsewhere:
        return
    made = repr((recipe.base, recipe.unfreeze))
    facts = [version("keras"), made, shape, recipe.weights, _there(recipe)]
    cache.remembered("weights", json.dumps(facts), lambda: _try_out(recipe, shape, report))


def _there(recipe: Recipe) -> str:
    """Returns what changes when the files of weights do."""
    if recipe.weights_file is not None:
        path = Path(recipe.weights_file).expanduser()
        return cache.stamp(path.parent, [Path(path.name)])
    home = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    return cache.stamp(home, sorted(path.relative_to(home) for path in home.glob("*")))


def _try_out(recipe: Recipe, shape: tuple[int, int, int], report: ReportBytes) -> str:
    order = json.dumps({"settings": dict(recipe.settings), "shape": shape})
    with tempfile.TemporaryFile("w+") as noise, _process(order, noise) as process:
        reply: dict[str, Any] = {}
        for line in cast(IO[str], process.stdout):
            reply = json.loads(line)
            if "done" in reply:
                report(reply["done"], reply["total"])
        if _READY in reply:
            return _READY
        raise _failure(recipe, reply, noise)


@contextmanager
def _process(order: str, noise: IO[str]) -> Iterator[subprocess.Popen[str]]:
    """Starts the process that builds the base, without a GPU, and ends it in any case."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "ablations.vision.model.weights"]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=noise,
        text=True,
        env=environment,
    )
    try:
        with suppress(BrokenPipeError), cast(IO[str], process.stdin) as orders:
            orders.write(order)  # it may have ended already; what it printed is read below
        yield process
    finally:
        process.kill()
        process.wait()
        cast(IO[str], process.stdout).close()


def _failure(recipe: Recipe, reply: dict[str, Any], noise: IO[str]) -> Exception:
    from ablations import errors

    if "error" in reply:
        problem, received, cure = reply["parts"]
        kind: type[errors.AblationsError] = getattr(errors, reply["error"])
        return kind(problem, received=received, cure=cure)
    noise.seek(0)
    last = (noise.read().strip() or "nothing").splitlines()[-1]
    return DataError(
        f"the base with the weights '{recipe.weights}' cannot be tried out",
        received=last,
        cure="Name another file of weights: --set weights=PATH",
    )


class Counting(urllib.request.BaseHandler):
    """Has ``report`` follow whatever this process reads from the web."""

    def __init__(self, report: ReportBytes) -> None:
        self._report = report

    def http_response(self, request: urllib.request.Request, answer: HTTPResponse) -> object:
        """Has an answer report how many of its bytes have been read."""
        read, done, total = answer.read, 0, content_length(answer)

        def counted(size: int | None = None) -> bytes:
            nonlocal done
            chunk = read(size)
            done += len(chunk)
            self._report(done, total)
            return chunk

        answer.read = counted  # type: ignore[assignment,method-assign]  # of this answer only
        return answer

    https_response = http_response


def _main() -> None:
    from ablations.errors import AblationsError
    from ablations.vision.platform.backend import use_backend

    channel, sys.stdout = sys.stdout, sys.stderr  # Keras prints a progress bar of its own

    def send(**reply: object) -> None:
        channel.write(json.dumps(reply) + "\n")
        channel.flush()

    counting = Counting(lambda done, total: send(done=done, total=total))
    urllib.request.install_opener(urllib.request.build_opener(counting))
    order = json.load(sys.stdin)
    recipe = read(order["settings"])
    try:
        use_backend(recipe.backend)
        from ablations.vision.model.build import build_base

        build_base(recipe, tuple(order["shape"]))
    except AblationsError as error:
        send(error=type(error).__name__, parts=error.parts)
    else:
        send(**{_READY: True})


if __name__ == "__main__":
    _main()
