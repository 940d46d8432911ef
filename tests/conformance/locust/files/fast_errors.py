# asserts: error strings, fast response.error, FastHttpUser.network_timeout, FastHttpUser.max_redirects
# run: --headless --only-summary -u 1 -t 30
"""What a failed request of FastHttpUser looks like to the script and in the report."""

from facts import fact, finish
from locust import FastHttpUser, task


class MyUser(FastHttpUser):
    network_timeout = 0.4
    max_redirects = 5

    @task
    def errors(self):
        client = self.client
        for path in ("/status/404", "/status/429", "/status/500", "/status/304", "/status/204"):
            client.get(path)
        client.get("/status/418", name="teapot")
        for path in ("/close", "/truncated", "/garbage", "/reset", "/loop"):
            response = client.get(path)
            fact("broken", [path, response.status_code, response.content, response.text])
        response = client.get("/slow/2000", name="slow")
        fact("timeout", response.status_code)
        client.get("http://127.0.0.1:1/", name="refused")
        client.get("http://no-such-host.invalid/", name="unknown host")
        finish(self)
