# asserts: --json-file
# run: --headless --only-summary -u 1 -t 20 --json-file result
# output: json result.json
"""The final statistics as JSON in a file."""

from facts import finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def requests(self):
        self.client.get("/hello")
        self.client.get("/status/404")
        finish(self)
