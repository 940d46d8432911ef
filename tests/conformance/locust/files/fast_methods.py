# asserts: FastHttpUser, fast.get, fast.options, fast.head, fast.post, fast.put, fast.patch, fast.delete, fast.request, request name
# run: --headless --only-summary -u 1 -t 20
"""All methods of the fast client, and the names that their requests get."""

from facts import fact, finish
from locust import FastHttpUser, task


class MyUser(FastHttpUser):
    @task
    def all_methods(self):
        client = self.client
        for method in ("get", "options", "post", "put", "patch", "delete"):
            response = getattr(client, method)("/echo?a=1&b=%20x")
            fact("answer", [response.status_code, response.json()["method"], response.json()["query"]])
        response = client.head("/hello")
        fact("head", [response.status_code, response.text])
        client.request("GET", "/hello")
        client.request("POST", "/hello", name="posted")
        client.get("/item/1", name="/item/[id]")
        client.get("/item/2", name="/item/[id]")
        client.get(self.host + "/hello?absolute=1")
        client.get("/redirect/2")
        finish(self)
