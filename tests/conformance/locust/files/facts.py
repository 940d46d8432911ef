"""What the locustfiles of this folder use to say what happened: facts, written to the file `$FACTS`.

Not a locustfile. A fact is a key and a value; facts of one key keep their order. At the end of a run
`results` adds what the statistics say.
"""

import json
import os

import gevent
from locust import events

_failed = 0
_file = open(os.environ["FACTS"], "a", encoding="utf-8")


def fact(key, value=True):
    """Notes that something happened."""
    _file.write(json.dumps([key, value], default=repr) + "\n")
    _file.flush()


def finish(user):
    """Ends the run from a task, after which nothing more happens in it."""
    runner = user.environment.runner
    if _is_worker(runner):
        # A worker that quits by itself would be replaced by another.
        runner.send_message("finish")
        gevent.sleep(60)
    runner.quit()


def _is_worker(runner):
    return type(runner).__name__ == "WorkerRunner"


@events.user_error.add_listener
def give_up(user_instance, **_kwargs):
    """A locustfile whose task fails before it ends the run would fail for ever."""
    global _failed
    _failed += 1
    if _failed == 20:
        fact("gave up")
        gevent.spawn(finish, user_instance.user)


@events.init.add_listener
def remember(environment, **_kwargs):
    if _is_worker(environment.runner):
        # The results are its master's.
        return
    if type(environment.runner).__name__ == "MasterRunner":
        environment.runner.register_message("finish", lambda **_kwargs: gevent.spawn(environment.runner.quit))

    @environment.events.quit.add_listener
    def results(exit_code, **_kwargs):
        fact("exit_code of quit", exit_code)

    @environment.events.quitting.add_listener
    def statistics(environment, **_kwargs):
        stats = environment.stats
        for entry in sorted(stats.entries.values(), key=lambda entry: (entry.name, entry.method)):
            fact("requests", [entry.method, entry.name, entry.num_requests, entry.num_failures])
        errors = [[e.method, e.name, e.to_dict()["error"], e.occurrences] for e in stats.errors.values()]
        for error in sorted(errors):
            fact("errors", error)
        exceptions = environment.runner.exceptions.values() if environment.runner else ()
        for exception in sorted(exceptions, key=lambda exception: exception["msg"]):
            fact("exceptions", [exception["msg"], exception["count"]])
