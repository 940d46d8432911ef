# asserts: events.user_error, runner.exceptions, Environment.catch_exceptions, --exit-code-on-error
# run: --headless --only-summary -u 1 -t 20
# run code: --headless --only-summary -u 1 -t 20 --exit-code-on-error 7
# spread: nodes: the nodes are the workers
"""An exception in a task is reported and the user goes on; the run then fails."""

from facts import fact, finish
from locust import SequentialTaskSet, User, constant, events, task


class Steps(SequentialTaskSet):
    @task
    def value(self):
        raise ValueError("bad value")

    @task
    def again(self):
        raise ValueError("bad value")

    @task
    def key(self):
        {}["missing"]

    @task
    def end(self):
        fact("ran", "end")
        finish(self.user)


class MyUser(User):
    wait_time = constant(0.01)
    tasks = [Steps]


@events.user_error.add_listener
def heard(user_instance, exception, tb, **kwargs):
    fact("user_error", [type(user_instance).__name__, repr(exception), type(tb).__name__, sorted(kwargs)])


@events.test_stop.add_listener
def seen(environment, **_kwargs):
    first = next(iter(environment.runner.exceptions.values()))
    fact("shape of an exception", sorted(first))
    fact("nodes", sorted(first["nodes"]))
    fact("catch_exceptions", environment.catch_exceptions)
