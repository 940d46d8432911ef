# asserts: runner.register_message, runner.send_message
# run: --headless --only-summary -u 1 -t 20
# alone: it asks what a runner of one process is; nodes_messages asks those of several
"""Messages in one process go to its own listeners."""

import gevent
from facts import fact, finish
from locust import User, events, task
from locust.runners import LocalRunner, MasterRunner, WorkerRunner


def heard(environment, msg, **_kwargs):
    fact("heard", [msg.type, msg.data, type(msg.node_id).__name__, environment.runner is not None])


@events.init.add_listener
def register(environment, **_kwargs):
    runner = environment.runner
    fact("runner", [isinstance(runner, kind) for kind in (LocalRunner, MasterRunner, WorkerRunner)])
    runner.register_message("plain", heard)
    runner.register_message("concurrent", heard, concurrent=True)
    try:
        runner.register_message("plain", heard)
    except Exception:
        fact("registered twice", "refused")


class MyUser(User):
    @task
    def send(self):
        runner = self.environment.runner
        runner.send_message("plain", {"a": [1, 2]})
        runner.send_message("concurrent", "text")
        runner.send_message("unknown", 1)
        gevent.sleep(0.1)
        finish(self)
