# asserts: client hooks, client verify, client proxies, client.close, client as context, response.cookies, response.apparent_encoding, response.links, client.params
# run: --headless --only-summary -u 1 -t 20
"""Less common parts of sessions and responses of HttpUser."""

from facts import fact, finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def details(self):
        client = self.client
        called = []
        client.get("/hello", hooks={"response": lambda response, *args, **kwargs: called.append(response.status_code)})
        fact("hook", called)
        fact("verify", [client.verify, client.get("/hello", verify=False).status_code])
        client.verify = False
        fact("verify", client.get("/hello").status_code)
        response = client.get("/cookie/a/1")
        fact("cookies", [dict(response.cookies), response.cookies.get("a")])
        fact("links", client.get("/hello").links)
        client.params = {"always": "1"}
        fact("params", client.get("/echo", name="echo").json()["query"])
        fact("params", client.get("/echo", params={"once": "2"}, name="echo").json()["query"])
        fact("trust_env", client.trust_env)
        client.close()
        fact("after close", client.get("/hello").status_code)
        finish(self)
