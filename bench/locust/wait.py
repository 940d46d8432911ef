"""Many users that visit once a second."""

from locust import HttpUser, constant, task


class Visitor(HttpUser):
    wait_time = constant(1)

    @task
    def visit(self):
        self.client.get("/")
