# asserts: User.rest, User.rest_
# run: --headless --only-summary -u 2 -r 2 -t 5
# unordered: js
"""Requests to a JSON interface, and what their checks become."""

from facts import fact
from locust import FastHttpUser, HttpUser, constant


def check(user):
    kind = type(user).__name__
    with user.rest("GET", "/json", name=f"{kind} good") as response:
        fact("js", [kind, response.js["name"], response.status_code])
    with user.rest("POST", "/echo", json={"a": 1}, name=f"{kind} echo") as response:
        fact(
            "js", [kind, response.js["body"], response.js["headers"]["content-type"], response.js["headers"]["accept"]]
        )
    with user.rest("GET", "/text", name=f"{kind} no JSON") as response:
        fact("js", [kind, response.js])
    with user.rest("GET", "/status/204", name=f"{kind} empty") as response:
        fact("js", [kind, response.js])
    with user.rest("GET", "/json", name=f"{kind} assertion") as response:
        assert response.js["name"] == "other", "the name is wrong"
    with user.rest("GET", "/json", name=f"{kind} bare assertion") as response:
        assert False
    with user.rest("GET", "/json", name=f"{kind} comma") as response:
        assert False, "look at this,"
    with user.rest("GET", "/json", name=f"{kind} verdict") as response:
        response.failure("my own")
    with user.rest("GET", "/status/500", name=f"{kind} status") as response:
        pass
    with user.rest_("GET", "/json?a=1") as response:
        fact("js", [kind, "_" in response.js["args"]])
    fact("js", [kind, "went on"])


class Slow(HttpUser):
    fixed_count = 1
    wait_time = constant(100)
    tasks = [check]


class Fast(FastHttpUser):
    fixed_count = 1
    wait_time = constant(100)
    tasks = [check]
