# asserts: --list, --show-task-ratio, --show-task-ratio-json, User.weight
# run list: --list
# run ratio: --show-task-ratio -u 8
# run ratiojson: --show-task-ratio-json -u 8
# output: stdout
"""What is printed instead of a run."""

from locust import TaskSet, User, task


class Heavy(User):
    weight = 3

    @task(3)
    def a(self):
        pass

    @task
    class Nested(TaskSet):
        @task(2)
        def b(self):
            pass

        @task
        def c(self):
            pass


class Light(User):
    @task
    def d(self):
        pass
