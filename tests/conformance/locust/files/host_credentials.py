# asserts: HttpUser.host, client auth
# run: --headless --only-summary -u 1 -t 20
"""A user name and password in the host become Basic authentication and vanish from names."""

import os

from facts import fact, finish
from locust import HttpUser, task


class MyUser(HttpUser):
    @task
    def authorised(self):
        from locust.clients import HttpSession

        host = os.environ["BASE_URL"].replace("http://", "http://me:p%40ss@")
        session = HttpSession(base_url=host, request_event=self.environment.events.request, user=self)
        fact("base_url", session.base_url)
        fact("status", session.get("/auth/me/p@ss").status_code)
        finish(self)
