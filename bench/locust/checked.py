"""A listener on every request, and a response that is parsed and judged in a with-block."""

import os

from locust import FastHttpUser, HttpUser, events, task

SEEN = [0]


@events.request.add_listener
def count(request_type, name, response_time, exception, **_event):
    SEEN[0] += 1


class Visitor(FastHttpUser if os.environ.get("CLIENT") == "fast" else HttpUser):
    @task
    def check(self):
        with self.client.get("/", catch_response=True) as response:
            if response.json()["status"] != "ok":
                response.failure("not ok")
