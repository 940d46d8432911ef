# asserts: env.Environment, runners.LocalRunner, runner.start, runner.stop, runner.greenlet
# run: --headless --only-summary -u 1 -t 30
"""An environment of its own, run to its end from a task: what a script does that uses the package as a library."""

import os

import gevent
from facts import fact, finish
from locust import HttpUser, User, constant, task
from locust.env import Environment


class Mine(HttpUser):
    abstract = True
    host = os.environ["BASE_URL"]
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/hello")


class Driver(User):
    @task
    def drive(self):
        environment = Environment(user_classes=[Mine])
        states = []
        for name in ("test_start", "test_stop", "spawning_complete"):
            getattr(environment.events, name).add_listener(lambda name=name, **_kwargs: states.append(name))
        runner = environment.create_local_runner()
        runner.start(3, spawn_rate=10)
        gevent.sleep(1)
        fact("running", [runner.state, runner.user_count])
        runner.stop()
        fact("stopped", [runner.state, runner.user_count, environment.stats.total.num_requests > 10, states])
        runner.start(2, spawn_rate=10)
        gevent.sleep(0.5)
        fact("again", [runner.state, runner.user_count, states])
        runner.quit()
        fact("quit", [runner.state, runner.user_count])
        finish(self)
