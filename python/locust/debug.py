"""Runs one user in the foreground, for a debugger: `run_single_user`."""

import sys
from datetime import datetime, timezone

from . import argument_parser, log
from ._names import elsewhere
from .env import Environment
from .user.task import DefaultTaskSet  # noqa: F401  # what debuggers step into

_environment = None


class PrintListener:
    """Prints a line for each request."""

    def __init__(self, env, include_length=False, include_time=False, include_context=False, include_payload=False):
        env.events.request.add_listener(self.on_request)
        self.include_length = include_length
        self.include_time = include_time
        self.include_context = include_context
        self.include_payload = include_payload
        columns = ["type", "name".ljust(50), "resp_ms"]
        if include_time:
            columns.insert(0, "time".ljust(30))
        columns += self._extra("length", "exception".ljust(20), "context", "payload")
        _print_row(columns)

    def _extra(self, length, exception, context, payload):
        return [
            *([length] if self.include_length else []),
            exception,
            *([context] if self.include_context else []),
            *([payload] if self.include_payload else []),
        ]

    def on_request(
        self,
        request_type,
        name,
        response_time,
        response_length=0,
        exception=None,
        context=None,
        start_time=None,
        response=None,
        **_,
    ):
        """Prints the request."""
        failure = ""
        if exception:
            failure = str(exception) if not isinstance(exception, str) else exception
            failure = (failure or repr(exception)).replace("\n", " ")
        request = getattr(response, "request", None)
        payload = getattr(request, "body", None) or ""
        columns = [request_type, str(name).ljust(50), str(round(response_time or 0)).ljust(7)]
        if self.include_time:
            moment = datetime.fromtimestamp(start_time, timezone.utc) if start_time else datetime.now(timezone.utc)
            columns.insert(0, moment.isoformat().ljust(30))
        columns += self._extra(str(response_length), failure.ljust(20), str(context or ""), str(payload))
        _print_row(columns)


def _print_row(columns):
    sys.stdout.write("\t".join(columns) + "\n")
    sys.stdout.flush()


def run_single_user(
    user_class,
    include_length=False,
    include_time=False,
    include_context=False,
    include_payload=False,
    loglevel="WARNING",
):
    """Runs one user of the class until it stops, and prints its requests. Options are read from `sys.argv`."""
    global _environment
    from . import events

    if loglevel is not None:
        log.setup_logging(loglevel)
    if _environment is None:
        options = argument_parser.parse_options()
        _environment = Environment(events=events, locustfile="", host=options.host, parsed_options=options)
        # In a debugger an exception should stop where it is raised.
        _environment.catch_exceptions = False
        _environment.events.init.fire(environment=_environment, runner=None, web_ui=None)
        _environment.events.test_start.fire(environment=_environment)
    PrintListener(
        _environment,
        include_length=include_length,
        include_time=include_time,
        include_context=include_context,
        include_payload=include_payload,
    )
    if _environment.host:
        user_class.host = _environment.host
    _environment.single_user_instance = user_class(_environment)
    _environment.single_user_instance.run()


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
