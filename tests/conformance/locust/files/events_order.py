# asserts: events.init_command_line_parser, events.init, events.test_start, events.spawning_complete, events.test_stopping, events.test_stop, events.quitting, events.quit, event.EventHook, runner.state
# run: --headless --only-summary -u 2 -r 2 -t 1
# run quit: --headless --only-summary -u 1 -t 20
# env quit: HOW=quit
# run stop: --headless --only-summary -u 1 -t 3
# env stop: HOW=stop
# alone: it is about the order in one process; nodes_events is about that in several
"""All events of a run: their order, their arguments, and the state that the runner is in."""

import os

import gevent
from facts import fact
from locust import User, constant, events, task


def note(name):
    def listener(**kwargs):
        environment = kwargs.get("environment")
        runner = environment.runner if environment else None
        plain = {key: value if isinstance(value, (int, str)) else type(value).__name__ for key, value in kwargs.items()}
        fact("event", [name, plain, runner.state if runner else None])

    return listener


for name in (
    "init_command_line_parser",
    "init",
    "test_start",
    "spawning_complete",
    "test_stopping",
    "test_stop",
    "quitting",
    "quit",
):
    getattr(events, name).add_listener(note(name))


@events.quitting.add_listener
def last_added(**_kwargs):
    fact("event", "quitting, added last")


class MyUser(User):
    wait_time = constant(0.3)

    @task
    def work(self):
        how = os.environ.get("HOW")
        if how:
            gevent.spawn(getattr(self.environment.runner, how))
            gevent.sleep(10)
