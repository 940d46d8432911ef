# asserts: client allow_redirects, response.history, response.url, response.is_redirect
# run: --headless --only-summary -u 1 -t 20
"""Redirects: one entry under the first name; the history; not followed on request."""

from facts import fact, finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def redirects(self):
        client = self.client
        response = client.get("/redirect/3")
        fact("followed", [response.status_code, response.url, [each.status_code for each in response.history]])
        response = client.get("/redirect/1", allow_redirects=False)
        fact("not followed", [response.status_code, response.headers["location"], response.is_redirect, response.ok])
        response = client.head("/redirect/1")
        fact("head", response.status_code)
        for status in (301, 302, 303, 307, 308):
            method = client.post(f"/redirect/1?status={status}", data={"a": "1"}).json()
            fact("method after", [status, method["method"], method["body"]])
        fact("named", client.get("/redirect/1", name="mine").status_code)
        finish(self)
