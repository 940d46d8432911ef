# asserts: LoadTestShape on a master
# run: --headless --only-summary
# workers: 2
"""A shape is asked by the master alone; its workers follow."""

from facts import fact
from locust import LoadTestShape, User, constant, events, task
from locust.runners import MasterRunner


class Shape(LoadTestShape):
    stages = [(4, 4), (2, 2), (6, 6), None]

    def __init__(self):
        super().__init__()
        self.at = 0

    def tick(self):
        if self.at == 0:
            fact("asked on the master", isinstance(self.runner, MasterRunner))
        stage = self.stages[self.at // 2]
        self.at += 1
        return stage


@events.spawning_complete.add_listener
def counts(user_count, **_kwargs):
    fact("spawned", user_count)


class MyUser(User):
    wait_time = constant(60)

    @task
    def work(self):
        pass
