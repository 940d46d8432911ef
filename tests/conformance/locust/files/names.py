# asserts: client.request_name, client.rename_request, fast.rename_request, fast.request_name, request name
# run: --headless --only-summary -u 2 -r 2 -t 4
"""Names for groups of requests."""

import facts  # noqa: F401
from locust import FastHttpUser, HttpUser, constant, task


class Slow(HttpUser):
    fixed_count = 1
    wait_time = constant(100)

    @task
    def name(self):
        name_all(self, "slow")


class Fast(FastHttpUser):
    fixed_count = 1
    wait_time = constant(100)

    @task
    def name(self):
        name_all(self, "fast")


def name_all(user, prefix):
    client = user.client
    client.request_name = f"{prefix} attribute"
    client.get("/item/1")
    client.get("/item/2", name=f"{prefix} argument")
    client.request_name = None
    client.get(f"/item/{prefix}")
    with client.rename_request(f"{prefix} block"):
        client.get("/item/3")
        client.get("/item/4")
    client.get(f"/item/{prefix}")
