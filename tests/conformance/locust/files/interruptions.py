# asserts: TaskSet.interrupt, exception.InterruptTaskSet, TaskSet.on_start, TaskSet.on_stop, TaskSet.wait_time, constant
# run: --headless --only-summary -u 1 -t 20
"""Leaving a task set, at once and after the parent's wait, and from on_start."""

import time

from facts import fact, finish
from locust import SequentialTaskSet, TaskSet, User, constant, task
from locust.exception import InterruptTaskSet


class AtOnce(TaskSet):
    def on_start(self):
        fact("ran", "AtOnce.on_start")

    def on_stop(self):
        fact("ran", "AtOnce.on_stop")

    @task
    def leave(self):
        self.interrupt()


class AfterWait(TaskSet):
    @task
    def leave(self):
        self.interrupt(reschedule=False)


class FromStart(TaskSet):
    def on_start(self):
        raise InterruptTaskSet(reschedule=True)

    def on_stop(self):
        fact("ran", "FromStart.on_stop")

    @task
    def never(self):
        fact("ran", "never")


class Outer(SequentialTaskSet):
    wait_time = constant(0.4)

    def on_start(self):
        self.last = time.monotonic()

    def note(self, name):
        now = time.monotonic()
        fact("waited before", [name, now - self.last > 0.3])
        self.last = now

    @task
    def a(self):
        self.note("a")

    tasks = [AtOnce]

    @task
    def b(self):
        self.note("b")

    @task
    class Third(AfterWait):
        pass

    @task
    def c(self):
        self.note("c")

    @task
    class Fourth(FromStart):
        pass

    @task
    def d(self):
        self.note("d")
        finish(self.user)


class MyUser(User):
    tasks = [Outer]
