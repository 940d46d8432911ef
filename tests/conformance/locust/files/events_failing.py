# asserts: event.EventHook, Environment.process_exit_code
# run: --headless --only-summary -u 1 -t 1
# run init: --headless --only-summary -u 1 -t 1
# env init: WHERE=init
# run steering: --headless --only-summary -u 1 -t 1
# env steering: WHERE=request
# alone run: the listener that makes a request runs in each process
"""A listener that fails is logged and makes the exit code 2; the others are called. In `init` it ends the run."""

import os

from facts import fact
from locust import User, constant, events, task
from locust.exception import StopUser


class MyUser(User):
    wait_time = constant(0.4)

    def on_stop(self):
        fact("on_stop")

    @task
    def work(self):
        self.environment.events.request.fire(
            request_type="X", name="y", response_time=1, response_length=0, exception=None, context={}
        )
        fact("after fire")
        self.wait()
        self.environment.runner.quit()


where = os.environ.get("WHERE", "test_start")


@getattr(events, where).add_listener
def fails(**_kwargs):
    fact("called", "first")
    if where == "request":
        raise StopUser()
    raise ValueError("a bad listener")


@getattr(events, where).add_listener
def called(**_kwargs):
    fact("called", "second")
