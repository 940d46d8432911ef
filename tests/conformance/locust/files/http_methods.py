# asserts: HttpUser, client.get, client.options, client.head, client.post, client.put, client.patch, client.delete, client.request, request name
# run: --headless --only-summary -u 1 -t 20
"""All methods of the client, and the names that their requests get."""

from facts import fact, finish
from locust import HttpUser, task


class MyUser(HttpUser):
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
        client.get("/hello", params={"q": "1"})
        client.get("/redirect/2")
        finish(self)
