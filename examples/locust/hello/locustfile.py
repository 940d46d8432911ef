"""The smallest load test: every user asks for /hello, as fast as the answers come.

Run it beside `throng demo-api`:

    throng locust -f examples/locust/hello/locustfile.py --headless -u 10 -r 5 -t 10s -H http://127.0.0.1:5000
"""

from locust import HttpUser, task


class HelloUser(HttpUser):
    @task
    def hello(self):
        self.client.get("/hello")
