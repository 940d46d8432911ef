# asserts: events.request, User.context, request context
# run: --headless --only-summary -u 2 -r 2 -t 4
# unordered: request
"""What the request event carries for both clients."""

from facts import fact
from locust import FastHttpUser, HttpUser, constant, events


class Common:
    wait_time = constant(100)

    def context(self):
        return {"user": type(self).__name__, "shared": "from user"}

    def requests(self):
        self.client.get("/hello?x=1")
        self.client.get("/item/1", name="named", context={"shared": "from call", "own": 1})
        self.client.get("/status/404")
        self.client.get("http://127.0.0.1:1/", name="refused")
        with self.client.get("/hello", name="caught", catch_response=True) as response:
            response.request_meta["context"]["added"] = True
            response.failure("bad")


class Slow(Common, HttpUser):
    fixed_count = 1
    tasks = [Common.requests]


class Fast(Common, FastHttpUser):
    fixed_count = 1
    tasks = [Common.requests]


@events.request.add_listener
def heard(request_type, name, response_time, response_length, response, context, exception, start_time, url, **kwargs):
    fact(
        "request",
        [
            context.get("user"),
            request_type,
            name,
            [type(response_time).__name__, type(start_time).__name__, response_time >= 0, start_time > 1_700_000_000],
            response_length,
            response.status_code if response is not None else None,
            context,
            repr(exception),
            url,
            sorted(kwargs),
        ],
    )
