# asserts: exception.StopTest
# run: --headless --only-summary -u 2 -r 2 -t 2
# throng-only: in a task the oracle ends only the user that raises it, when it starts users the test: here it is always the test
"""A user that ends the whole test."""

from facts import fact
from locust import User, constant, events, task
from locust.exception import StopTest


class MyUser(User):
    wait_time = constant(0.3)

    @task
    def stop(self):
        raise StopTest("enough")


@events.test_stop.add_listener
def stopped(**_kwargs):
    fact("stopped")
