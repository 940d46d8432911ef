# asserts: exception.RescheduleTask, exception.RescheduleTaskImmediately, User.wait_time
# run: --headless --only-summary -u 1 -t 20
"""Ending a task early, with and without the wait."""

import time

from facts import fact, finish
from locust import SequentialTaskSet, User, constant, task
from locust.exception import RescheduleTask, RescheduleTaskImmediately


class Steps(SequentialTaskSet):
    last = 0

    def note(self, name):
        now = time.monotonic()
        fact("waited before", [name, now - self.last > 0.3])
        self.last = now

    @task
    def a(self):
        self.note("a")
        raise RescheduleTaskImmediately()

    @task
    def b(self):
        self.note("b")
        raise RescheduleTask()

    @task
    def c(self):
        self.note("c")
        finish(self.user)


class MyUser(User):
    wait_time = constant(0.4)
    tasks = [Steps]
