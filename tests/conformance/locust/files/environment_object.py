# asserts: Environment.user_classes, Environment.user_classes_by_name, Environment.events, Environment.runner, Environment.stats, Environment.locustfile, Environment.parsed_options, Environment.web_ui, Environment.reset_stats, Environment.available_user_classes, env.Environment, runners.LocalRunner, exception.RunnerAlreadyExistsError
# run: --headless --only-summary -u 1 -t 20
"""What an environment offers, and environments that a locustfile makes."""

import locust
from facts import fact, finish
from locust import User, events, task
from locust.env import Environment
from locust.exception import RunnerAlreadyExistsError


class MyUser(User):
    @task
    def show(self):
        environment = self.environment
        fact("classes", [sorted(environment.user_classes_by_name), [cls.__name__ for cls in environment.user_classes]])
        fact("module events", environment.events is events)
        fact("plain", [environment.locustfile, environment.reset_stats, environment.web_ui, environment.profile])
        fact("available", [sorted(environment.available_user_classes), sorted(environment.available_shape_classes)])
        fact("options", [environment.parsed_options.num_users, environment.parsed_options.headless])
        fact("version", locust.__version__)
        own = Environment(user_classes=[Other])
        fact("own events", own.events is events)
        runner = own.create_local_runner()
        fact("own runner", [runner is own.runner, runner.state])
        try:
            own.create_local_runner()
        except RunnerAlreadyExistsError:
            fact("second runner", "refused")
        fact("refused", [self.refused([Other, Twin]), self.refused([Weightless])])
        finish(self)

    @staticmethod
    def refused(classes):
        try:
            Environment(user_classes=classes)
        except ValueError:
            return "ValueError"
        return "nothing"


class Other(User):
    abstract = True
    weight = 1


Twin = type("Other", (Other,), {"abstract": True})


class Weightless(User):
    abstract = True
    weight = 0
