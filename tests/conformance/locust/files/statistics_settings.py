# asserts: stats constants
# run: --headless --only-summary -u 1 -t 20
# run wrong: --headless --only-summary -u 1 -t 2
# env wrong: WRONG=1
# parts: histogram: a process without users has empty statistics
"""Constants of the module that locustfiles change."""

import os

import locust.stats
from facts import fact, finish
from locust import User, events, task

locust.stats.PERCENTILES_TO_REPORT = [0.5, 0.9]
locust.stats.PERCENTILES_TO_STATISTICS = [0.5, 0.999]
locust.stats.PERCENTILES_TO_CHART = [1.5] if os.environ.get("WRONG") else [0.25]
locust.stats.bucket_response_time = lambda response_time: int(response_time // 25 * 25)
locust.stats.STATS_NAME_WIDTH = 20


class MyUser(User):
    @task
    def fill(self):
        for index in range(10):
            self.environment.events.request.fire(
                request_type="A", name="x", response_time=index * 10, response_length=0
            )
        finish(self)


@events.test_stop.add_listener
def show(environment, **_kwargs):
    entry = environment.stats.get("x", "A")
    fact("histogram", sorted(entry.response_times.items()))
    fact("percentile", entry.percentile())
    fact("keys", [key for key in entry.to_dict() if "percentile" in key])
