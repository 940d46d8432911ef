# asserts: events.usage_monitor, events.cpu_warning, runners constants
# run: --headless --only-summary -u 1 -t 20
"""The runner watches its process, at intervals that a locustfile may change."""

import gevent
import locust.runners
from facts import fact, finish
from locust import User, events, task

locust.runners.CPU_MONITOR_INTERVAL = 0.4
locust.runners.CPU_WARNING_THRESHOLD = -1
seen = set()


@events.usage_monitor.add_listener
def usage(environment, cpu_usage, memory_usage, **kwargs):
    if "usage" not in seen:
        seen.add("usage")
        fact(
            "usage",
            [type(cpu_usage).__name__, memory_usage > 10_000_000, sorted(kwargs), environment.runner is not None],
        )


@events.cpu_warning.add_listener
def warned(environment, cpu_usage, **kwargs):
    if "warning" not in seen:
        seen.add("warning")
        fact("warning", [type(cpu_usage).__name__, sorted(kwargs)])


class MyUser(User):
    @task
    def wait(self):
        gevent.sleep(1.5)
        finish(self)
