# asserts: User.tasks, TaskSet.tasks, TaskSet.user, TaskSet.parent, TaskSet.client
# run: --headless --only-summary -u 1 -t 20
"""What a task is called with, in users, task sets and nested task sets."""

from facts import fact, finish
from locust import SequentialTaskSet, User, task


def function(instance):
    fact("function called with", type(instance).__name__)


class Inner(SequentialTaskSet):
    tasks = [function]

    @task
    def method(self):
        fact("inner", [type(self).__name__, type(self.user).__name__, type(self.parent).__name__, self.client])

    @task
    def leave(self):
        self.interrupt()


class Outer(SequentialTaskSet):
    tasks = [function, Inner]

    @task
    def end(self):
        fact("outer", [type(self).__name__, type(self.user).__name__, type(self.parent).__name__])
        finish(self.user)


class MyUser(User):
    client = "the client"
    tasks = [Outer]
