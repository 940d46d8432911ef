# asserts: LoadTestShape.tick, LoadTestShape.get_run_time, LoadTestShape.get_current_user_count, Environment.shape_class
# run: --headless --only-summary
"""A shape in steps; its end is the end of the run."""

from facts import fact
from locust import LoadTestShape, User, constant, events, task


class MyUser(User):
    wait_time = constant(0.1)

    @task
    def nothing(self):
        pass


class Steps(LoadTestShape):
    stages = ((2, 2), (4, 5), (6, 1))

    def tick(self):
        for until, users in self.stages:
            if self.get_run_time() < until:
                return users, 10
        fact("users at the end", self.get_current_user_count())
        return None


@events.init.add_listener
def known(environment, **_kwargs):
    fact("shape", type(environment.shape_class).__name__)


@events.test_start.add_listener
def started(**_kwargs):
    fact("event", "test_start")


@events.spawning_complete.add_listener
def complete(user_count, **_kwargs):
    fact("event", ["spawning_complete", user_count])


@events.test_stop.add_listener
def stopped(**_kwargs):
    fact("event", "test_stop")
