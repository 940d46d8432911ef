"""Runs a test: starts and stops users as the dispatcher says, and knows the test's state.

A local runner runs its users in this process. With `--processes` a master in the first process deals users to
workers, which were forked from it. The constants are read when they are used, so that a locustfile may change them.
"""

STATE_INIT = "ready"
STATE_SPAWNING = "spawning"
STATE_RUNNING = "running"
STATE_CLEANUP = "cleanup"
STATE_STOPPING = "stopping"
STATE_STOPPED = "stopped"
STATE_MISSING = "missing"

# Seconds between two reports and two heartbeats of a worker; heartbeats that may be missed; and seconds between two
# looks at this process's processor time, with the percentage from which on it is a warning.
WORKER_REPORT_INTERVAL = 3.0
WORKER_LOG_REPORT_INTERVAL = 10
HEARTBEAT_INTERVAL = 1
HEARTBEAT_LIVENESS = 3
HEARTBEAT_DEAD_INTERNAL = -60
FALLBACK_INTERVAL = 5
CONNECT_TIMEOUT = 5
CONNECT_RETRY_COUNT = 60
MASTER_HEARTBEAT_TIMEOUT = 60
CPU_MONITOR_INTERVAL = 10.0
CPU_WARNING_THRESHOLD = 90

from .._legacy import current_runner, deprecated  # noqa: E402
from .._names import elsewhere  # noqa: E402
from .base import DistributedRunner, Runner, greenlet_exception_handler, logger  # noqa: E402
from .local import LocalRunner  # noqa: E402
from .master import MasterRunner  # noqa: E402
from .messages import Message  # noqa: E402
from .nodes import WorkerNode, WorkerNodes  # noqa: E402
from .worker import WorkerRunner  # noqa: E402


_RENAMED = {
    "LocustRunner": "Runner",
    "LocalLocustRunner": "LocalRunner",
    "DistributedLocustRunner": "DistributedRunner",
    "MasterLocustRunner": "MasterRunner",
    "SlaveLocustRunner": "WorkerRunner",
    "SlaveNode": "WorkerNode",
    "STATE_HATCHING": "STATE_SPAWNING",
    "SLAVE_REPORT_INTERVAL": "WORKER_REPORT_INTERVAL",
}


def __getattr__(name):
    """What locustfiles took from here before version 1.0."""
    if name == "locust_runner":
        return current_runner("runners.locust_runner", "use environment.runner")
    if name == "global_stats":
        return current_runner("runners.global_stats", "use environment.stats").stats
    if name in _RENAMED:
        deprecated(f"runners.{name}", f"use {_RENAMED[name]}")
        return globals()[_RENAMED[name]]
    return elsewhere(__name__, name)


__all__ = (
    "STATE_CLEANUP",
    "STATE_INIT",
    "STATE_MISSING",
    "STATE_RUNNING",
    "STATE_SPAWNING",
    "STATE_STOPPED",
    "STATE_STOPPING",
    "DistributedRunner",
    "LocalRunner",
    "MasterRunner",
    "Message",
    "Runner",
    "WorkerNode",
    "WorkerNodes",
    "WorkerRunner",
    "greenlet_exception_handler",
    "logger",
)
