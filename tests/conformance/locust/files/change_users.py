# asserts: runner.start, runner.user_count, runner.state, runner.user_classes_count, events.spawning_complete, events.test_start
# run: --headless --only-summary -u 4 -r 10 -t 20
"""A running test is changed, up and down, from a greenlet of the locustfile."""

import gevent
from facts import fact
from locust import User, constant, events, task


class A(User):
    weight = 2
    wait_time = constant(0.1)

    @task
    def nothing(self):
        pass


class B(A):
    weight = 1


@events.test_start.add_listener
def started(**_kwargs):
    fact("test_start")


@events.spawning_complete.add_listener
def complete(user_count, **_kwargs):
    fact("spawning_complete", user_count)


@events.init.add_listener
def plan(environment, **_kwargs):
    def change():
        runner = environment.runner
        for target in (9, 9, 2, 5):
            gevent.sleep(1.2)
            fact("state", runner.state)
            runner.start(target, 100)
            gevent.sleep(0.6)
            fact("users", [runner.user_count, runner.user_classes_count])
        runner.quit()

    environment.events.test_start.add_listener(lambda **_kwargs: gevent.spawn(change))
