"""``python -m ablations`` is the command ``ablations``."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from ablations.cli.terminal.signals import Terminated, heed_termination, stopped_code


def run() -> NoReturn:
    """Runs the command line; a signal ends it with its own code, also while it is being imported.

    Importing takes long enough for a signal to arrive; Python would then end by it, or with
    a traceback (Ctrl-C).
    """
    heed_termination()
    # Records and findings stay until the end: to look through them for cycles after each 700 new
    # ones takes a tenth of the time of a large report.
    gc.set_threshold(50_000)
    try:
        from ablations.cli.app import main

        main()
    except Terminated:
        sys.exit(stopped_code())
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
