# asserts: exception.StopUser, User.on_start, User.on_stop, TaskSet.on_stop, runner.user_count
# run: --headless --only-summary -u 3 -r 3 -t 2
# unordered: ran
# parts: users left: a master keeps what workers reported last
"""A user that ends itself; nothing takes its place once all are spawned."""

from facts import fact
from locust import TaskSet, User, constant, events, task
from locust.exception import StopUser


class Inner(TaskSet):
    def on_stop(self):
        fact("ran", "Inner.on_stop")

    @task
    def stop(self):
        fact("ran", "stop")
        raise StopUser()


class MyUser(User):
    wait_time = constant(0.2)
    tasks = [Inner]

    def on_start(self):
        fact("ran", "on_start")

    def on_stop(self):
        fact("ran", "on_stop")


@events.test_stopping.add_listener
def left(environment, **_kwargs):
    fact("users left", environment.runner.user_count)
