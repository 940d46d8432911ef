# asserts: client data, client json, client params, client headers, client files, client cookies
# run: --headless --only-summary -u 1 -t 20
"""What arrives of the arguments that requests of HttpUser take."""

import datetime
import io

from facts import fact, finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def bodies(self):
        def sent(**kwargs):
            answer = self.client.post("/echo", name="echo", **kwargs).json()
            answer["headers"].pop("accept", None)
            fact("arrived", answer)

        sent(data={"a": "1", "b": ["x", "y"], "n": 5})
        sent(data=[("k", "1"), ("k", "2")])
        sent(data="plain text")
        sent(data=b"bytes \xff")
        sent(data={"at": datetime.datetime(2026, 1, 2, 3, 4, 5)})
        sent(json={"a": [1, None, True], "u": "\u00e9"})
        sent(json=[])
        sent(data="wins", json={"ignored": 1})
        sent(params={"q": "a b", "l": [1, 2], "none": None})
        sent(params="raw=1&b=2")
        sent(params=[("t", "1"), ("t", "2")])
        sent(headers={"X-One": "1", "Content-Type": "text/x-own"}, data="typed")
        sent(files={"file": ("name.txt", io.BytesIO(b"content"), "text/plain")}, data={"field": "value"})
        sent(files={"file": ("name.txt", "text")})
        sent(cookies={"c": "1"})
        self.client.put("/echo", "positional", name="echo")
        finish(self)
