# asserts: fast data, fast json, fast headers, FastHttpUser.default_headers
# run: --headless --only-summary -u 1 -t 20
"""What arrives of the arguments that requests of FastHttpUser take."""

from facts import fact, finish
from locust import FastHttpUser, task


class MyUser(FastHttpUser):
    default_headers = {"X-Default": "yes"}

    @task
    def bodies(self):
        def sent(**kwargs):
            fact("arrived", self.client.post("/echo", name="echo", **kwargs).json())

        sent(data={"a": "1", "b": "2"})
        sent(data="plain text")
        sent(data=b"bytes \xff")
        sent(json={"a": [1, None, True], "u": "\u00e9"})
        sent(headers={"X-One": "1", "Content-Type": "text/x-own"}, data="typed")
        sent(headers={"Accept": "text/mine"}, json={"x": 1})
        sent(auth=("me", "secret"))
        finish(self)
