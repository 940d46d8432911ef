# asserts: TaskSequence, seq_task, Locust, wait_function
# run: --no-web -c 1 -r 1 -t 20
# throng-only: the oracle refuses locustfiles from before version 1.0
"""Sequences and wait functions from before version 1.0."""

from facts import fact, finish
from locust import Locust, TaskSequence, seq_task, task


class Steps(TaskSequence):
    @seq_task(2)
    @task(2)
    def second(self):
        fact("ran", "second")

    @seq_task(1)
    def first(self):
        fact("ran", "first")

    @seq_task(3)
    def third(self):
        fact("ran", ["third", self.wait_time()])
        finish(self.user)


class MyLocust(Locust):
    task_set = Steps

    def wait_function(self):
        return 10
