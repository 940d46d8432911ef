# asserts: client cookies, client.cookies, response.cookies
# run: --headless --only-summary -u 1 -t 20
"""Cookies between the client, its answers, single requests and a session of requests."""

import requests
from facts import fact, finish
from locust import HttpUser, task


def echoed(response):
    return response.json()["headers"]["cookie"]


class MyUser(HttpUser):
    @task
    def exchange(self):
        client = self.client
        login = client.post("/login", data={"user": "ann"})
        fact("of the answer", echoed(client.get("/echo", cookies=login.cookies)))
        fact("of the session", echoed(client.get("/echo", cookies=client.cookies)))
        fact("a dictionary", echoed(client.get("/echo", cookies={"session": "mine", "x": "1"})))
        fact("given to requests", echoed(requests.get(f"{self.host}/echo", cookies=client.cookies)))
        with requests.Session() as other:
            other.get(f"{self.host}/cookie/session/other")
            client.cookies.update(other.cookies)
            fact("of a session of requests", echoed(client.get("/echo")))
            other.cookies = client.cookies
            other.get(f"{self.host}/cookie/c/3")
        fact("kept by requests", echoed(client.get("/echo")))
        foreign = requests.cookies.RequestsCookieJar()
        foreign.set("session", "foreign", domain="other.test")
        fact("of another host", echoed(client.get("/echo", cookies=foreign)))
        cookie = client.cookies.set("c", "4", domain="other.test")
        fact("set", [cookie.name, cookie.value, cookie.domain, cookie.path, cookie.is_expired()])
        try:
            client.cookies.get("c")
        except requests.cookies.CookieConflictError as error:
            fact("conflict", str(error))
        client.cookies.clear(domain="other.test")
        fact("left", [f"{cookie.name}={cookie.value} {cookie.path}" for cookie in client.cookies])
        client.cookies = foreign
        fact("assigned", [echoed(client.get("/echo")), client.cookies.list_domains()])
        finish(self)
