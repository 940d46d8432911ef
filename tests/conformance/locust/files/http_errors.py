# asserts: error strings, response.error, client timeout, response.status_code
# run: --headless --only-summary -u 1 -t 30
"""What a failed request of HttpUser looks like to the script and in the report."""

import socket

from facts import fact, finish
from locust import HttpUser, task


def unused_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class MyUser(HttpUser):
    @task
    def errors(self):
        client = self.client
        for path in ("/status/404", "/status/429", "/status/500", "/status/304", "/status/204"):
            client.get(path)
        client.get("/status/418", name="teapot")
        for path in ("/close", "/truncated", "/garbage", "/reset", "/loop"):
            response = client.get(path)
            fact("broken", [path, response.status_code, response.content, response.text, type(response.error).__name__])
            fact("ok raises", self.raised(lambda response=response: response.ok))
        response = client.get("/slow/2000", timeout=0.2, name="slow")
        fact("timeout", [response.status_code, type(response.error).__name__])
        fact("raise_for_status", self.raised(response.raise_for_status))
        response = client.get(f"http://127.0.0.1:{unused_port()}/", name="refused")
        fact("refused", [response.status_code, type(response.error).__name__])
        client.get("http://no-such-host.invalid/", name="unknown host")
        fact("bad URL", self.raised(lambda: client.get("http:///nothing", name="bad")))
        finish(self)

    @staticmethod
    def raised(call):
        try:
            call()
        except Exception as error:
            return type(error).__name__
        return None
