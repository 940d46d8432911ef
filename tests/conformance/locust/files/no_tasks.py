# asserts: User.tasks, runner.exceptions
# run: --headless --only-summary -u 1 -t 1
# parts: kinds of exceptions: the master has those of all, a worker may have had none
"""A user without tasks fails when it should run one."""

from facts import fact
from locust import User, constant, events


class MyUser(User):
    wait_time = constant(10)

    def on_stop(self):
        fact("ran", "on_stop")


@events.user_error.add_listener
def heard(exception, **_kwargs):
    fact("user_error", type(exception).__name__)


@events.test_stop.add_listener
def count(environment, **_kwargs):
    fact("kinds of exceptions", len(environment.runner.exceptions))
    environment.runner.exceptions.clear()
