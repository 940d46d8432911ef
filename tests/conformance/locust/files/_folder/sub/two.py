"""A locustfile in a folder."""

from locust import User, constant, task


class InSubFolder(User):
    wait_time = constant(1)

    @task
    def nothing(self):
        pass
