"""Devices that post measurements: each has an identity of its own, and logs in once in a thousand requests.

Run it beside `throng demo-api`:

    throng locust -f examples/locust/devices/locustfile.py --headless -u 50 -r 10 -t 30s -H http://127.0.0.1:5000
"""

import uuid
from datetime import datetime

from locust import FastHttpUser, TaskSet, task


class Measuring(TaskSet):
    def on_start(self):
        self.device = str(uuid.uuid4())

    @task(1)
    def login(self):
        self.client.post("/login", {"deviceid": self.device})

    @task(999)
    def metrics(self):
        # Form data may be anything that has a text; a time is sent as its str().
        self.client.post("/metrics", {"deviceid": self.device, "timestamp": datetime.now()})


class Device(FastHttpUser):
    tasks = [Measuring]
