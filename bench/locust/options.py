"""Requests with everything that needs preparing: JSON, headers, a query, a name."""

import os

from locust import FastHttpUser, HttpUser, task


class Visitor(FastHttpUser if os.environ.get("CLIENT") == "fast" else HttpUser):
    @task
    def send(self):
        self.client.post("/echo", json={"id": 1, "tags": ["a", "b"]}, headers={"X-Trace": "1"}, params={"page": 2}, name="/send")
