# asserts: clients.HttpSession, fasthttp.FastHttpSession, User.environment
# run: --headless --only-summary -u 1 -t 20
"""Sessions that a locustfile makes itself."""

import os

from facts import fact, finish
from locust import User, task
from locust.clients import HttpSession
from locust.contrib.fasthttp import FastHttpSession


class MyUser(User):
    @task
    def both(self):
        base = os.environ["BASE_URL"]
        events = self.environment.events
        slow = HttpSession(base_url=base, request_event=events.request, user=self)
        fact("slow", slow.get("/hello", name="slow").text)
        with slow.get("/status/500", name="slow caught", catch_response=True) as response:
            response.success()
        fast = FastHttpSession(base, events.request, self)
        fact("fast", fast.get("/hello", name="fast").text)
        fact("separate cookies", [slow.get("/cookie/a/1").status_code, fast.get("/echo").json()["headers"]["cookie"]])
        finish(self)
