"""Users that compute for two milliseconds after each answer: does their work end up in the response times?"""

import time

from locust import HttpUser, task


class Visitor(HttpUser):
    @task
    def visit(self):
        self.client.get("/")
        until = time.perf_counter() + 0.002
        while time.perf_counter() < until:
            pass
