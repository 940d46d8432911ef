# asserts: --json, --json-file
# run: --headless --only-summary -u 1 -t 20 --json --skip-log-setup
# output: json stdout
"""The final statistics as JSON on standard output."""

from facts import finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def requests(self):
        self.client.get("/hello")
        self.client.get("/status/404")
        finish(self)
