# asserts: messages between nodes
# run: --headless --only-summary -u 2 -r 2 -t 3
# workers: 2
# unordered: master heard
"""Custom messages between a master and its workers: what they can carry, to whom they go, and that they come before the users."""

from datetime import datetime

from facts import fact
from locust import User, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

DATA = {
    "text": "äöü€",
    "list": [1, -5, 2.5, None, True, 2**63],
    7: b"\x00\xff",
    "at": datetime(2026, 1, 2, 3, 4, 5, 678),
    "tuple": (1, 2),
    "deep": {"a": {"b": [{}]}},
}
heard = []


def on_worker(environment, msg, **_kwargs):
    fact("worker heard", [msg.type, repr(msg.data), msg.node_id == environment.runner.client_id])
    heard.append(msg.type)
    environment.runner.send_message("back", msg.data)


def on_master(environment, msg, **_kwargs):
    fact("master heard", [msg.type, repr(msg.data), msg.node_id in environment.runner.clients])


@events.init.add_listener
def register(environment, runner, **_kwargs):
    if isinstance(runner, WorkerRunner):
        runner.register_message("to all", on_worker)
        runner.register_message("to one", on_worker, concurrent=True)
    if isinstance(runner, MasterRunner):
        runner.register_message("back", on_master)


@events.test_start.add_listener
def send(environment, **_kwargs):
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        runner.send_message("to all", DATA)
        for client_id in runner.clients:
            runner.send_message("to one", {"index": "yours"}, client_id)


class MyUser(User):
    wait_time = constant(60)

    @task
    def work(self):
        fact("when users start", sorted(heard))
