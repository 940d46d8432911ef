"""What the contract test runs under Locust and under throng: requests that succeed or fail, tasks that raise; no network."""

from locust import User, constant, events, task


@events.init_command_line_parser.add_listener
def add_arguments(parser):
    parser.add_argument("--colour", default="red", choices=["red", "blue"], help="of the page")


class Visitor(User):
    host = "http://example.test"
    wait_time = constant(0.05)

    @task(2)
    def look(self):
        self.environment.events.request.fire(
            request_type="GET", name="/look", response_time=12.5, response_length=30, exception=None, context={}
        )

    @task
    def fail(self):
        self.environment.events.request.fire(
            request_type="POST",
            name="/fail",
            response_time=3,
            response_length=0,
            exception=ValueError("no"),
            context={},
        )

    @task
    def crash(self):
        raise RuntimeError("in a task")
