# asserts: events.user_error, User.on_start, User.on_stop
# run: --headless --only-summary -u 2 -r 2 -t 2
# parts: users left: a master keeps what workers reported last
"""A user whose on_start fails dies, without on_stop, and is not replaced."""

from facts import fact
from locust import User, events, task


class MyUser(User):
    def on_start(self):
        fact("ran", "on_start")
        raise RuntimeError("cannot start")

    def on_stop(self):
        fact("ran", "on_stop")

    @task
    def never(self):
        fact("ran", "never")


@events.user_error.add_listener
def heard(user_instance, exception, **_kwargs):
    fact("user_error", [type(user_instance).__name__, repr(exception)])


@events.test_stopping.add_listener
def left(environment, **_kwargs):
    fact("users left", environment.runner.user_count)
