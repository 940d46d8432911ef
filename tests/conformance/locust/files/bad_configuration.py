# asserts: locust.conf
# run: --headless --only-summary -t 1
# file locust.conf: users = 3\nno-such-option = 5
"""An option in a file that does not exist is an error."""

from locust import User, task


class MyUser(User):
    @task
    def nothing(self):
        pass
