"""What the contract test runs under Locust and under throng: requests that succeed or fail, tasks that raise; no network."""

from locust import LoadTestShape, User, constant, events, task


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


class Steady(User):
    """The same requests each time: what becomes of them is the same number by number."""

    host = "http://example.test"
    wait_time = constant(3600)

    def on_start(self):
        fire = self.environment.events.request.fire
        for n in range(200):
            failure = ValueError(f"broken {n % 3}") if n % 10 == 0 else None
            fire(
                request_type="GET" if n % 2 else "PUT",
                name=f"/steady/{n % 4}",
                response_time=None if n % 50 == 49 else 0.4 + n * n / 7,
                response_length=n * 11,
                exception=failure,
                context={},
            )

    @task
    def rest(self):
        pass


class Stairs(LoadTestShape):
    def tick(self):
        return (2, 100)
