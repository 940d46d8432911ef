# asserts: User.on_start, User.on_stop, TaskSet.on_start, TaskSet.on_stop, User.environment, User.greenlet
# run: --headless --only-summary -u 1 -t 1
"""A user that waits in a nested task set when the test ends: everything is closed from the inside."""

from facts import fact
from locust import TaskSet, User, constant, events, task


class Inner(TaskSet):
    def on_start(self):
        fact("ran", "Inner.on_start")

    def on_stop(self):
        fact("ran", "Inner.on_stop")

    @task
    def work(self):
        fact("ran", "work")


class Outer(TaskSet):
    tasks = [Inner]

    def on_start(self):
        fact("ran", "Outer.on_start")

    def on_stop(self):
        fact("ran", "Outer.on_stop")


class MyUser(User):
    wait_time = constant(30)
    tasks = [Outer]

    def __init__(self, environment):
        super().__init__(environment)
        fact("environment", type(environment).__name__)

    def on_start(self):
        fact("ran", "on_start")
        fact("greenlet", self.greenlet is not None)

    def on_stop(self):
        fact("ran", "on_stop")


@events.test_stop.add_listener
def stopped(**_kwargs):
    fact("ran", "test_stop")
