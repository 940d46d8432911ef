# asserts: SIGINT, events.quitting
# run: --headless --only-summary -u 2 -r 2
# signal: INT when ready
# unordered: event
"""An interrupt ends the run in order."""

from facts import fact
from locust import User, constant, events, task


class MyUser(User):
    wait_time = constant(1)

    @task
    def ready(self):
        fact("ready") if not getattr(self.environment, "said", False) else None
        self.environment.said = True

    def on_stop(self):
        fact("event", "on_stop")


for name in ("test_stop", "quitting", "quit"):
    getattr(events, name).add_listener(lambda name=name, **_kwargs: fact("event", name))
