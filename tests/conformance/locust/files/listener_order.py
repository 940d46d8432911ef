# asserts: events.request, events.init
# run: --headless --only-summary -u 1 -t 20
"""Listeners that are there before the runner hear of a request before statistics do, later ones after."""

from facts import fact, finish
from locust import HttpUser, events, task

seen = {}


def listener(name):
    def count(**_kwargs):
        fact(name, seen["environment"].stats.total.num_requests)

    return count


events.request.add_listener(listener("at import"))


@events.init.add_listener
def start(environment, **_kwargs):
    seen["environment"] = environment
    environment.events.request.add_listener(listener("in init"))


class MyUser(HttpUser):
    @task
    def twice(self):
        self.client.get("/hello")
        self.client.get("/hello")
        finish(self)
