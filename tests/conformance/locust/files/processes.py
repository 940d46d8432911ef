# asserts: --processes, MasterRunner, WorkerRunner, runner.worker_index, runner.clients, runner.get_worker_index, events.worker_connect, events.worker_report, events.report_to_master, messages between nodes
# run: --headless --only-summary -u 6 -r 6 -t 6 --processes 2
# unordered: MasterRunner event
# unordered: WorkerRunner event
# unordered: worker
# unordered: message
# unordered: report
"""Users in two processes: which event fires where, messages both ways, one result."""

from facts import fact
from locust import HttpUser, constant, events, task

reports = {"seen": False}


class MyUser(HttpUser):
    wait_time = constant(1.5)

    @task
    def requests(self):
        if not getattr(self, "asked", False):
            self.asked = True
            self.client.get("/hello")
            self.client.get("/status/404")
            raise ValueError("of a task")


def listen(name, environment):
    role = type(environment.runner).__name__

    def listener(**kwargs):
        fact(f"{role} event", [name, sorted(kwargs)])

    getattr(events, name).add_listener(listener)


@events.init.add_listener
def start(environment, web_ui, **_kwargs):
    runner = environment.runner
    role = type(runner).__name__
    fact(f"{role} event", ["init", web_ui is None])
    for name in ("test_start", "spawning_complete", "test_stopping", "test_stop", "quitting", "quit", "worker_connect"):
        listen(name, environment)

    def from_master(environment, msg, **_kwargs):
        fact("message", ["master to worker", msg.data, environment.runner.worker_index])
        environment.runner.send_message("answer", {"index": environment.runner.worker_index})

    def from_worker(environment, msg, **_kwargs):
        fact("message", ["worker to master", msg.data, environment.runner.get_worker_index(msg.node_id)])

    runner.register_message("data", from_master)
    runner.register_message("answer", from_worker)


@events.test_start.add_listener
def hand_out(environment, **_kwargs):
    runner = environment.runner
    if type(runner).__name__ == "MasterRunner":
        fact("clients", [len(runner.clients), runner.worker_count, len(runner.clients.ready)])
        for client_id in runner.clients:
            runner.send_message("data", {"part": runner.get_worker_index(client_id)}, client_id)
    else:
        # What a master sends before it starts the test has arrived when it starts.
        fact("worker", runner.worker_index)


@events.report_to_master.add_listener
def add(client_id, data, **_kwargs):
    data["mine"] = type(client_id).__name__


@events.worker_report.add_listener
def seen(client_id, data, **_kwargs):
    if not reports["seen"]:
        reports["seen"] = True
        fact("report", [data["mine"], sorted(data)])


@events.test_stopping.add_listener
def counts(environment, **_kwargs):
    runner = environment.runner
    if type(runner).__name__ == "MasterRunner":
        fact("users", [runner.user_count, runner.reported_user_classes_count, runner.target_user_count])
