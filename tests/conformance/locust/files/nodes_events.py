# asserts: --master, --worker, events.worker_connect, events.worker_report, events.report_to_master, events.heartbeat_sent, events.heartbeat_received
# run: --headless --only-summary -u 3 -r 3 -t 5
# run quit: --headless --only-summary -u 2 -r 2 -t 20
# env quit: HOW=quit
# workers: 1
"""All events of a master and its worker: where each one is fired, in which order, with which arguments."""

import os

import gevent
from facts import fact
from locust import User, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

ONCE = ("worker_report", "report_to_master", "heartbeat_sent", "heartbeat_received")
noted = set()


def plain(name, value):
    if name == "client_id":
        return "a worker"
    if name == "timestamp":
        return type(value).__name__
    if name == "data":
        return sorted(key for key in value if key != "throng")
    return value if isinstance(value, (int, str, type(None))) else type(value).__name__


def note(name):
    def listener(**kwargs):
        if name in ONCE and name in noted:
            return
        noted.add(name)
        # Of the repeated ones only that they are there: when the first one comes is a matter of milliseconds.
        key = name if name in ONCE else "event"
        fact(key, [name, {key: plain(key, value) for key, value in kwargs.items()}])

    return listener


for name in (
    "init_command_line_parser",
    "init",
    "worker_connect",
    "test_start",
    "spawning_complete",
    "test_stopping",
    "test_stop",
    "quitting",
    "quit",
    *ONCE,
):
    getattr(events, name).add_listener(note(name))


@events.init.add_listener
def what(environment, runner, **_kwargs):
    fact("kind", [isinstance(runner, kind) for kind in (MasterRunner, WorkerRunner)])


@events.quitting.add_listener
def last_added(**_kwargs):
    fact("event", "quitting, added last")


@events.test_start.add_listener
def end_from_master(environment, **_kwargs):
    if os.environ.get("HOW") and isinstance(environment.runner, MasterRunner):
        gevent.spawn_later(1.5, environment.runner.quit)


class MyUser(User):
    wait_time = constant(60)

    @task
    def work(self):
        fact("worked")
