# asserts: FastHttpUser.insecure, FastHttpUser.concurrency, FastHttpUser.connection_timeout, FastHttpUser.max_retries, fast auth, fast.base_url, fast clientpool
# run: --headless --only-summary -u 1 -t 20
"""The settings of FastHttpUser and the rarer parts of its client."""

import gevent
from facts import fact, finish
from locust import FastHttpUser, task


class MyUser(FastHttpUser):
    concurrency = 3

    @task
    def settings(self):
        names = ("network_timeout", "connection_timeout", "max_redirects", "max_retries", "insecure", "concurrency")
        fact("defaults", [getattr(FastHttpUser, name) for name in names])
        client = self.client
        fact("base_url", client.base_url)
        fact("auth", client.get("/auth/me/pw", auth=("me", "pw")).status_code)
        client.client.clientpool.close()
        fact("after close", client.get("/hello").status_code)
        spawned = [gevent.spawn(client.get, "/slow/100") for _ in range(6)]
        gevent.joinall(spawned)
        fact("parallel", [each.value.status_code for each in spawned])
        fact("json", client.post("/echo", json={"a": 1}, name="echo").json()["body"])
        finish(self)
