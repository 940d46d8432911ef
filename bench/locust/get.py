"""One GET per task and no wait: what a user costs at least. CLIENT chooses the kind of user."""

import os

from locust import FastHttpUser, HttpUser, task


class Visitor(FastHttpUser if os.environ.get("CLIENT") == "fast" else HttpUser):
    @task
    def visit(self):
        self.client.get("/")
