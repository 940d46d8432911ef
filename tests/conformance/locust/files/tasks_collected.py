# asserts: task, TaskSet.tasks, User.tasks, User.json, User.fullname, User.weight, User.fixed_count, User.abstract
# run: --headless --only-summary -u 1 -t 20 Functions
"""Where a class's tasks come from, in which order and how often."""

from facts import fact, finish
from locust import TaskSet, User, task


def alone(user):
    fact("called with", type(user).__name__)


def other(user):
    pass


class Base(User):
    abstract = True

    @task(2)
    def inherited(self):
        pass


class Decorated(Base):
    weight = 0
    fixed_count = 1

    @task
    def one(self):
        pass

    @task(3)
    def three(self):
        pass

    @task
    class Nested(TaskSet):
        tasks = {alone: 2, other: 1}

        @task
        def own(self):
            pass

    def ordinary(self):
        pass


class Listed(User):
    weight = 0
    tasks = [alone, (other, 2), alone]


class Functions(User):
    weight = 1

    @task
    def end(self):
        alone(self)
        finish(self)


class Empty(User):
    weight = 0


for cls in (Decorated, Decorated.Nested, Listed, Functions, Empty):
    fact("tasks", [cls.__name__, [each.__name__ for each in cls.tasks]])
for cls in (Decorated, Listed):
    fact("json", cls.json())
fact("fullname", Decorated.fullname())
fact("abstract", [Base.abstract, Decorated.abstract, User.abstract])
fact("defaults", [User.weight, User.fixed_count, User.host, User.tasks])
