# asserts: --reset-stats
# run: --headless --only-summary -u 4 -r 2 -t 6 --reset-stats
# alone: whether reports of the ramp come before or after the reset is chance
"""Statistics start over when all users are there."""

import gevent
from facts import fact
from locust import User, constant, events, task


class MyUser(User):
    wait_time = constant(100)

    @task
    def once(self):
        self.environment.events.request.fire(request_type="A", name="early", response_time=1, response_length=0)
        gevent.sleep(1.7)
        self.environment.events.request.fire(request_type="A", name="late", response_time=1, response_length=0)


@events.test_stop.add_listener
def show(environment, **_kwargs):
    fact("names", [[entry.name, entry.num_requests == 4] for entry in environment.stats.entries.values()])
