"""A class whose name another file has too."""

from _shared import note  # noqa: F401
from locust import User, constant, task


class First(User):
    wait_time = constant(1)

    @task
    def nothing(self):
        pass
