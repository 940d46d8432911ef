# asserts: --config-users, Environment.update_user_class
# run: --headless --only-summary -u 4 -r 4 -t 1 --config-users {"user_class_name":"A","weight":3,"tasks":["two"],"own":"set"} [{"user_class_name":"B","fixed_count":1}]
# run file: --headless --only-summary -u 4 -r 4 -t 1 --config-users users.json
# file users.json: [{"user_class_name": "B", "weight": 0, "host": "http://b"}]
# run unknown: --headless --only-summary -u 4 -r 4 -t 1 --config-users {"user_class_name":"Nope"}
# parts: counts: each worker counts its own users
"""Settings of user classes from the command line."""

from facts import fact
from locust import User, constant, events, task


class A(User):
    wait_time = constant(10)
    own = "unset"

    @task
    def one(self):
        pass

    @task
    def two(self):
        pass


class B(A):
    pass


@events.test_stopping.add_listener
def show(environment, **_kwargs):
    for cls in (A, B):
        fact("class", [cls.__name__, cls.weight, cls.fixed_count, cls.own, [each.__name__ for each in cls.tasks]])
    fact("counts", environment.runner.user_classes_count)
