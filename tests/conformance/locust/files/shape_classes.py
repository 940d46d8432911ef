# asserts: LoadTestShape.tick, runner.user_classes_count
# run: --headless --only-summary
# parts: classes: each worker counts its own users
"""A shape that chooses user classes for each stage."""

from facts import fact
from locust import LoadTestShape, User, constant, events, task


class A(User):
    wait_time = constant(0.1)

    @task
    def nothing(self):
        pass


class B(A):
    pass


class Stages(LoadTestShape):
    stages = ((1.5, 2, [A]), (3.5, 6, [A, B]), (5.5, 8, [B]), (7.5, 4, [B]))

    def tick(self):
        for until, users, classes in self.stages:
            if self.get_run_time() < until:
                return users, 100, classes
        return None


@events.spawning_complete.add_listener
def complete(user_count, **_kwargs):
    fact("users", user_count)


@events.init.add_listener
def watch(environment, **_kwargs):
    @events.spawning_complete.add_listener
    def classes(**_kwargs):
        fact("classes", {name: count for name, count in environment.runner.user_classes_count.items() if count})
