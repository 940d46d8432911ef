# asserts: events.request.fire, events.request.measure, stats.get
# run: --headless --only-summary -u 1 -t 20
"""Requests that a locustfile reports itself."""

import time

from facts import fact, finish
from locust import User, events, task


@events.request.add_listener
def heard(**kwargs):
    kwargs["response_time"] = None if kwargs["response_time"] is None else round(kwargs["response_time"], -2)
    kwargs.pop("start_time", None)
    kwargs["exception"] = repr(kwargs.get("exception"))
    fact("heard", kwargs)


class MyUser(User):
    @task
    def report(self):
        fire = self.environment.events.request.fire
        fire(request_type="DB", name="query", response_time=12.5, response_length=7, exception=None, context={})
        fire(
            request_type="DB",
            name="query",
            response_time=1,
            response_length=0,
            exception=ValueError("gone"),
            context={},
        )
        fire(request_type="DB", name="query", response_time=1, response_length=0, exception="a text", context={})
        fire(request_type="DB", name="no time", response_time=None, response_length=0)
        with self.environment.events.request.measure("M", "block") as meta:
            time.sleep(0.2)
            meta["response_length"] = 5
        with self.environment.events.request.measure("M", "failing", 3, context={"a": 1}):
            raise ValueError("inside")
        entry = self.environment.stats.get("query", "DB")
        fact("entry", [entry.num_requests, entry.num_failures, entry.max_response_time, entry.total_content_length])
        none = self.environment.stats.get("no time", "DB")
        fact("no time", [none.num_requests, none.num_none_requests, none.avg_response_time, none.min_response_time])
        finish(self)
