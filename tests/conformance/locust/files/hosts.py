# asserts: User.host, --host, LOCUST_HOST, Environment.host, HttpUser.host
# run: --headless --only-summary -u 2 -r 2 -t 2 --host HOST/prefix
# unordered: host
"""--host wins over the classes; paths are appended to it; absolute URLs go elsewhere."""

import os

from facts import fact
from locust import HttpUser, constant, events, task

events.init.add_listener(lambda environment, **_kwargs: fact("environment", environment.host))


class WithHost(HttpUser):
    fixed_count = 1
    host = "http://class.invalid"
    wait_time = constant(100)

    @task
    def show(self):
        fact("host", [self.host, type(self).host])
        self.client.get(os.environ["BASE_URL"] + "/hello")
        self.client.get("/joined")


class Without(HttpUser):
    fixed_count = 1
    wait_time = constant(100)

    @task
    def show(self):
        fact("host", [self.host, self.client.base_url])
