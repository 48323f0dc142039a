"""The Ray executor: trials on the machines of a Ray cluster.

The driver (`executor`) hands a cluster (`cluster`) one task a trial, on a machine that it chooses
so that the arms of a seed stay together (`placement`). On each machine the tasks have
`LocalExecutor` train (`node`), so that a trial has the same process, limits and threads as anywhere
else.
"""

from ablations.run.executors.ray.cluster import connected
from ablations.run.executors.ray.executor import RayExecutor

__all__ = ["RayExecutor", "connected"]
