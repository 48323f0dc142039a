"""``python -m ablations`` is the command ``ablations``."""

from ablations.cli import main

main()
