"""Write load tests as user classes in plain Python; see docs/locust.md.

This package is throng's: it has Locust's interface, while requests, statistics and waiting are done in Rust
(`locust._core`). Importing it makes the standard library cooperative (gevent), before anything else is imported.
"""

# isort: off
from . import _patch  # noqa: F401  # must stay first: it replaces what the others import

# isort: on
import sys

from . import wait_time
from ._pre1 import HttpLocust, Locust, TaskSequence, seq_task
from ._version import version as __version__
from .clients import HttpSession
from .contrib.fasthttp import FastHttpUser
from .event import Events
from .shape import LoadTestShape
from .user.markov_taskset import MarkovTaskSet, transition, transitions
from .user.sequential_taskset import SequentialTaskSet
from .user.task import TaskSet, tag, task
from .user.users import HttpUser, User
from .user.wait_time import between, constant, constant_pacing, constant_throughput, poisson

events = Events()
# Before version 1.0 this was a module, from which locustfiles import hooks.
sys.modules[f"{__name__}.events"] = events

from .debug import run_single_user  # noqa: E402  # it needs `events`


def __getattr__(name):
    """Modules that locustfiles reach as attributes, without having imported them."""
    if name in ("html", "main", "opentelemetry", "web"):
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = (
    "FastHttpUser",
    "HttpLocust",
    "HttpSession",
    "HttpUser",
    "LoadTestShape",
    "Locust",
    "MarkovTaskSet",
    "SequentialTaskSet",
    "TaskSequence",
    "TaskSet",
    "User",
    "__version__",
    "between",
    "constant",
    "constant_pacing",
    "constant_throughput",
    "events",
    "poisson",
    "run_single_user",
    "seq_task",
    "tag",
    "task",
    "transition",
    "transitions",
    "wait_time",
)
