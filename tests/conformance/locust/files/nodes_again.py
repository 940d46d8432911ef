# asserts: a second test with the same workers
# run: --headless --only-summary -u 2 -r 2
# workers: 2
# unordered: event
"""A master that stops its test and starts another one: workers begin anew, statistics too."""

import gevent
from facts import fact
from locust import User, constant, events, task
from locust.runners import MasterRunner


def note(name):
    def listener(environment=None, **kwargs):
        fact("event", [name, sorted(kwargs)])

    return listener


for name in ("test_start", "test_stopping", "test_stop"):
    getattr(events, name).add_listener(note(name))


@events.init.add_listener
def drive(environment, runner, **_kwargs):
    if isinstance(runner, MasterRunner):
        gevent.spawn(two_tests, environment)


def until(condition):
    while not condition():
        gevent.sleep(0.05)


def two_tests(environment):
    runner = environment.runner
    until(lambda: runner.state == "running" and runner.user_count == 2)
    fact("first", [runner.user_count, runner.state])
    runner.stop()
    fact("between", [runner.user_count, runner.state])
    until(lambda: len(runner.clients.ready) == 2)
    runner.start(3, 3)
    until(lambda: runner.state == "running" and runner.user_count == 3)
    until(lambda: environment.stats.total.num_requests)
    # What the first test counted is gone: there are only the second one's users.
    gevent.sleep(3.5)
    fact("second", [runner.user_count, runner.state, environment.stats.total.num_requests])
    runner.quit()


class MyUser(User):
    wait_time = constant(60)

    @task
    def work(self):
        self.environment.events.request.fire(
            request_type="OWN", name="work", response_time=1, response_length=1, exception=None
        )
