"""A second locustfile."""

from _shared import note  # noqa: F401
from locust import User, constant, task


class Second(User):
    wait_time = constant(1)

    @task
    def nothing(self):
        pass
