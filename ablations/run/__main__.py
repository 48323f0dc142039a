"""The worker process, as the local executor starts it; not for use by hand."""

from ablations.run.executors.worker import main

main()
