# asserts: between, constant, constant_pacing, constant_throughput, poisson, wait_time
# run: --headless --only-summary -u 1 -t 20
"""The values of the wait functions, and the pace they keep."""

import time

from facts import fact, finish
from locust import User, between, constant, constant_pacing, constant_throughput, poisson, task, wait_time


class Thing:
    pass


def refused(make):
    try:
        make()
    except ValueError:
        return True
    return False


few = [between(2, 3)(Thing()) for _ in range(200)]
fact("between", all(2 <= wait <= 3 for wait in few) and max(few) - min(few) > 0.5)
fact("constant", constant(1.5)(Thing()))
many = [poisson(4)(Thing()) for _ in range(5000)]
fact("poisson", abs(sum(many) / len(many) - 0.25) < 0.03)
fact("refused", [refused(lambda: poisson(0)), refused(lambda: constant_throughput(0)), refused(lambda: constant_throughput(-1))])
fact("module", wait_time.between is between)


class MyUser(User):
    wait_time = constant_throughput(5)
    starts = []

    @task
    def work(self):
        self.starts.append(time.monotonic())
        time.sleep(0.05)
        if len(self.starts) == 4:
            gaps = [b - a for a, b in zip(self.starts, self.starts[1:])]
            fact("steady", all(abs(gap - 0.2) < 0.08 for gap in gaps))
            finish(self)
