# asserts: exception.StopUser, --users, --spawn-rate
# run: --headless --only-summary -u 5 -r 2 -t 4
# alone: each worker counts its own users, and the one fact of this file is their sum
"""During a ramp, users that ended themselves are started again by the next step."""

from facts import fact
from locust import User, constant, events, task
from locust.exception import StopUser

started = 0


class MyUser(User):
    wait_time = constant(0.1)

    def on_start(self):
        global started
        started += 1

    @task
    def stop(self):
        raise StopUser()


@events.quitting.add_listener
def total(**_kwargs):
    fact("started", started)
