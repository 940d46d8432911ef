# asserts: --spawn-rate, User.weight, User.fixed_count
# run: --headless --only-summary -u 12 -r 4 -t 5
# alone: in a master no user starts; what it deals to whom is in nodes_results
"""Which class starts when: batches of one second, classes interleaved by weight."""

import time

from facts import fact
from locust import User, constant, events, task

started = []


class Common(User):
    abstract = True
    wait_time = constant(10)

    def on_start(self):
        started.append((time.monotonic(), type(self).__name__))

    @task
    def nothing(self):
        pass


class A(Common):
    weight = 5


class B(Common):
    weight = 2


class F(Common):
    fixed_count = 2


@events.spawning_complete.add_listener
def order(**_kwargs):
    begin = started[0][0]
    batches = {}
    for at, name in started:
        batches.setdefault(round(at - begin), []).append(name)
    # Those of the last batch may not have run yet.
    fact("batches", [sorted(names) for _, names in sorted(batches.items())][:2])
