# asserts: catch_response, response.success, response.failure, exception.ResponseError, exception.CatchResponseError, exception.LocustError, response.request_meta
# run: --headless --only-summary -u 1 -t 20
"""Verdicts of HttpUser's requests in all ways there are."""

from facts import fact, finish
from locust import HttpUser, task
from locust.exception import LocustError, ResponseError


class MyUser(HttpUser):
    @task
    def verdicts(self):
        client = self.client
        with client.get("/status/404", name="made a success", catch_response=True) as response:
            response.success()
        with client.get("/hello", name="made a failure", catch_response=True) as response:
            response.failure("not nice")
        with client.get("/hello", name="failed with an exception", catch_response=True) as response:
            response.failure(KeyError("key"))
        with client.get("/hello", name="last word success", catch_response=True) as response:
            response.failure("first")
            response.success()
        with client.get("/status/500", name="no verdict", catch_response=True) as response:
            fact("in the block", response.status_code)
        with client.get("/hello", name="no verdict", catch_response=True):
            pass
        with client.get("/hello", name="ResponseError", catch_response=True):
            raise ResponseError("raised")
        fact("went on")
        try:
            with client.get("/hello", name="not reported", catch_response=True):
                raise ValueError("foreign")
        except ValueError as error:
            fact("foreign", str(error))
        try:
            with client.get("/hello", name="verdict and foreign", catch_response=True) as response:
                response.failure("mine")
                raise ValueError("foreign")
        except ValueError as error:
            fact("foreign", str(error))
        with client.get("/hello", name="renamed", catch_response=True) as response:
            fact("meta", sorted(response.request_meta))
            response.request_meta["name"] = "renamed inside"
        fact("misused", [self.misuse(client.get("/hello"), "success"), self.misuse(client.get("/hello"), "failure")])
        response = client.get("/hello", name="outside", catch_response=True)
        fact("outside", [self.misuse(response, "success"), self.misuse(response, "failure")])
        try:
            with client.get("/hello", name="without catch_response"):
                fact("plain with", "entered")
        except LocustError:
            fact("plain with", "LocustError")
        finish(self)

    @staticmethod
    def misuse(response, name):
        try:
            getattr(response, name)(*(["x"] if name == "failure" else []))
        except LocustError:
            return "LocustError"
        return "nothing"
