# asserts: --equal-weights
# run: --headless --only-summary -u 4 -r 4 -t 1 --equal-weights
# parts: counts: each worker counts its own users
"""All classes and tasks equally likely."""

from facts import fact
from locust import TaskSet, User, constant, events, task


class Heavy(User):
    weight = 9
    wait_time = constant(10)

    @task(5)
    def a(self):
        pass

    @task
    class Nested(TaskSet):
        @task(7)
        def b(self):
            pass

        @task
        def c(self):
            pass


class Light(Heavy):
    weight = 1


@events.test_stopping.add_listener
def show(environment, **_kwargs):
    fact("counts", environment.runner.user_classes_count)
    fact("tasks", sorted(each.__name__ for each in Heavy.tasks))
