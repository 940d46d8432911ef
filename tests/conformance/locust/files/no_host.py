# asserts: HttpUser.host, exit codes
# run: --headless --only-summary -u 1 -t 5
# run fast: --headless --only-summary -u 1 -t 5
# env fast: WHICH=fast
# differs: exit code: a test that could not even start must not look as if it had passed
# differs: exit_code of quit: a test that could not even start must not look as if it had passed
"""An HTTP user without a host ends the run."""

import os

from facts import fact
from locust import FastHttpUser, HttpUser, events, task


class MyUser(FastHttpUser if os.environ.get("WHICH") else HttpUser):
    @task
    def never(self):
        fact("ran")


@events.init.add_listener
def forget(environment, **_kwargs):
    environment.host = None


@events.test_stop.add_listener
def stopped(**_kwargs):
    fact("event", "test_stop")
