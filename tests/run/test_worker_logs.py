from __future__ import annotations

import json
import subprocess
import sys
from multiprocessing import Pipe


def test_a_worker_that_the_driver_lets_go_of_ends_without_a_traceback():
    ours, theirs = Pipe()
    command = [sys.executable, "-m", "ablations.run"]
    with (
        theirs,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs.fileno(),),
        ) as worker,
    ):
        greeting = {"descriptor": theirs.fileno(), "path": sys.path}
        worker.stdin.write(json.dumps(greeting).encode() + b"\n")
        worker.stdin.flush()
        theirs.close()
        ours.close()
        worker.wait(timeout=180)
        assert worker.stdout.read() == b""
