# asserts: SequentialTaskSet, TaskSet.on_start, TaskSet.on_stop, TaskSet.interrupt
# run: --headless --only-summary -u 1 -t 20
"""Tasks in order, with weights, a list and a nested task set; started over at the end."""

from facts import fact, finish
from locust import SequentialTaskSet, User, task


def from_list(taskset):
    fact("ran", "from_list")


class Steps(SequentialTaskSet):
    def on_start(self):
        self.turns = 0
        fact("ran", "on_start")

    def on_stop(self):
        fact("ran", "on_stop")

    @task
    def first(self):
        self.turns += 1
        if self.turns == 3:
            finish(self.user)
        fact("ran", "first")

    tasks = [from_list, from_list]

    @task(2)
    def twice(self):
        fact("ran", "twice")

    @task
    class Nested(SequentialTaskSet):
        @task
        def inside(self):
            fact("ran", "inside")

        @task
        def out(self):
            self.interrupt(reschedule=False)

    @task
    def last(self):
        fact("ran", "last")


class MyUser(User):
    tasks = [Steps]
