# asserts: between, constant, constant_pacing, constant_throughput, poisson, wait_time
# run: --headless --only-summary -u 2 -r 2 -t 20
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
fact(
    "refused",
    [refused(lambda: poisson(0)), refused(lambda: constant_throughput(0)), refused(lambda: constant_throughput(-1))],
)
fact("module", wait_time.between is between)


class Paced(User):
    """Tasks that take a quarter of the time between two starts."""

    abstract = True
    fixed_count = 1

    def on_start(self):
        self.starts = []

    @task
    def work(self):
        self.starts.append(time.monotonic())
        time.sleep(0.05)
        if len(self.starts) == 4:
            gaps = [after - before for before, after in zip(self.starts, self.starts[1:])]
            fact(type(self).__name__, all(0.12 < gap < 0.6 for gap in gaps))
            done.append(1)
            if len(done) == 2:
                finish(self)


done = []


class Throughput(Paced):
    wait_time = constant_throughput(5)


class Pacing(Paced):
    wait_time = constant_pacing(0.2)
