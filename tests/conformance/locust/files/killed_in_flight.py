# asserts: User.on_stop, User.stop, User.group
# run: --headless --only-summary -u 3 -r 3 -t 1
# unordered: ran
"""Users that wait for an answer when the test ends: they are killed, and on_stop may make requests."""

from facts import fact
from locust import FastHttpUser, HttpUser, constant, task


class Slow(HttpUser):
    fixed_count = 1
    wait_time = constant(100)

    @task
    def wait_for_answer(self):
        try:
            self.client.get("/slow/20000")
        finally:
            fact("ran", "finally")

    def on_stop(self):
        fact("ran", ["on_stop", self.client.get("/hello", name="on_stop").status_code])


class Fast(FastHttpUser):
    fixed_count = 1
    wait_time = constant(100)

    @task
    def wait_for_answer(self):
        self.client.get("/slow/20000")

    def on_stop(self):
        fact("ran", ["on_stop", self.client.get("/hello", name="on_stop").status_code])


class Catching(HttpUser):
    fixed_count = 1
    wait_time = constant(100)

    @task
    def wait_for_answer(self):
        with self.client.get("/slow/20000", catch_response=True):
            fact("ran", "never")
