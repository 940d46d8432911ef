# asserts: client.cookies, client.headers, client.auth, client.base_url, client auth, HttpUser.host
# run: --headless --only-summary -u 1 -t 20
"""What a session keeps: cookies, headers, authentication."""

from facts import fact, finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def state(self):
        client = self.client
        fact("base_url", client.base_url)
        client.post("/login", data={"user": "ann"})
        fact("cookie", client.get("/echo").json()["headers"]["cookie"])
        client.get("/cookie/b/2")
        fact("cookies", [sorted(client.cookies.keys()), client.cookies.get("b"), client.cookies["session"]])
        fact("both", client.get("/echo").json()["headers"]["cookie"])
        client.cookies.clear()
        fact("cleared", client.get("/echo").json()["headers"]["cookie"])
        client.cookies.set("own", "3")
        fact("set", client.get("/echo").json()["headers"]["cookie"])
        client.headers["X-Session"] = "always"
        client.headers.update({"X-Other": "too"})
        fact("headers", client.get("/echo").json()["headers"])
        fact("overridden", client.get("/echo", headers={"X-Session": "once", "X-Other": None}).json()["headers"])
        fact("401", client.get("/auth/me/pw").status_code)
        fact("auth", client.get("/auth/me/pw", auth=("me", "pw")).status_code)
        client.auth = ("me", "pw")
        fact("session auth", client.get("/auth/me/pw").status_code)
        finish(self)
