# asserts: --stop-timeout, Environment.stop_timeout
# run: --headless --only-summary -u 2 -r 2 -t 1 --stop-timeout 10
# run none: --headless --only-summary -u 2 -r 2 -t 1
# run short: --headless --only-summary -u 2 -r 2 -t 1 -s 1
# unordered: task
"""Whether users finish their task when the test ends."""

import gevent
from facts import fact
from locust import User, constant, events, task


class MyUser(User):
    wait_time = constant(10)

    @task
    def slow(self):
        fact("task", "began")
        gevent.sleep(3.5)
        fact("task", "finished")

    def on_stop(self):
        fact("task", "on_stop")


events.test_start.add_listener(lambda environment, **_kwargs: fact("stop_timeout", environment.stop_timeout))
