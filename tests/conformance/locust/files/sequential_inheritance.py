# asserts: SequentialTaskSet, TaskSet.tasks
# run: --headless --only-summary -u 1 -t 20
"""What a sequential task set inherits comes first."""

from facts import fact, finish
from locust import SequentialTaskSet, User, task


class Base(SequentialTaskSet):
    @task
    def one(self):
        fact("ran", "one")

    @task
    def two(self):
        fact("ran", "two")


class More(Base):
    @task
    def three(self):
        fact("ran", "three")

    @task
    def end(self):
        finish(self.user)


class MyUser(User):
    tasks = [More]


fact("tasks", [each.__name__ for each in More.tasks])
