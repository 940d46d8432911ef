# asserts: User.wait_time, TaskSet.wait_time, User.wait, TaskSet.wait
# run: --headless --only-summary -u 1 -t 20
"""Wait times as methods, per task set, and waits that a task asks for itself."""

from facts import fact, finish
from locust import SequentialTaskSet, User, constant, task


class Quick(SequentialTaskSet):
    wait_time = constant(0.01)

    @task
    def a(self):
        fact("taskset", self.wait_time())
        self.user.asked = 0

    @task
    def leave(self):
        self.interrupt()


class Slow(SequentialTaskSet):
    @task
    def b(self):
        fact("from user", self.wait_time())
        fact("asked meanwhile", self.user.asked)

    @task
    def c(self):
        self.wait()
        self.user.wait()
        fact("after own waits", True)
        finish(self.user)


class Both(SequentialTaskSet):
    tasks = [Quick, Slow]


class MyUser(User):
    asked = 0
    tasks = [Both]

    def wait_time(self):
        self.asked += 1
        return 0.02
