"""Hooks that a run fires and locustfiles listen to.

`Events` holds the hooks by name, and `locust.events` is the instance of the command line. A listener
that fails is logged and does not disturb the others; what steers a user (`StopUser` and its like)
passes through to the user that fired the event.

Requests are special. Those of our own clients end in Rust and are recorded there; Python hears of
them only if someone listens. `RequestHook` keeps the `_core.Sink` that the clients report to in step with its
listeners, in the documented order: listeners added before the runner exists are called before
statistics, later ones after.
"""

import logging
import time
import traceback
from contextlib import contextmanager

from . import _core, _legacy, log
from ._names import elsewhere
from .exception import CONTROL_FLOW

logger = logging.getLogger(__name__)


class EventHook:
    """A list of listeners, called in the order they were added, with keyword arguments."""

    def __init__(self):
        self._handlers = []

    def add_listener(self, handler):
        """Adds a listener; returns it, so that this works as a decorator."""
        self._handlers.append(handler)
        return handler

    def __iadd__(self, handler):
        """How listeners were added before version 1.0, when hooks had other arguments."""
        self.add_listener(_legacy.tolerant(handler))
        return self

    def remove_listener(self, handler):
        """Takes a listener out again; ValueError if it is not there."""
        self._handlers.remove(handler)

    def fire(self, *, reverse=False, **kwargs):
        """Calls every listener with the arguments, the last one first if `reverse`."""
        call_all(reversed(self._handlers) if reverse else self._handlers, kwargs)

    @contextmanager
    def measure(self, request_type, name, response_length=0, context=None):
        """Times the block and fires this event for it; what the block raises is recorded as a failure.

        Yields the arguments of the event, which the block may change.
        """
        meta = {
            "request_type": request_type,
            "name": name,
            "response_length": response_length,
            "context": context or {},
            "exception": None,
            "start_time": time.time(),
        }
        started = time.perf_counter()
        try:
            yield meta
        except Exception as error:
            meta["exception"] = error
        finally:
            meta["response_time"] = (time.perf_counter() - started) * 1000
        self.fire(**meta)


def call_all(handlers, kwargs):
    """Calls the handlers; errors are logged, except those that steer a user."""
    # A copy, because a listener may remove itself.
    for handler in tuple(handlers):
        try:
            handler(**kwargs)
        except Exception as error:
            listener_failed(error)


def listener_failed(error):
    """Logs what a listener raised, or raises it again if it steers a user."""
    if isinstance(error, CONTROL_FLOW):
        raise error
    logger.error("Uncaught exception in event handler: \n%s", "".join(traceback.format_exception(error)))
    log.unhandled_greenlet_exception = True


class RequestHook(EventHook):
    """The `request` event. `sink` is what our clients report to; statistics join with `record_in`."""

    def __init__(self):
        super().__init__()
        self.sink = _core.Sink()
        self.sink.failed = listener_failed
        self._stats = None
        self._after = []

    def record_in(self, stats):
        """From now on requests are counted in `stats`; listeners added from now on run after that."""
        self._stats = stats
        self.sink.stats = stats

    def add_listener(self, handler):
        (self._handlers if self._stats is None else self._after).append(handler)
        self._tell_sink()
        return handler

    def remove_listener(self, handler):
        (self._handlers if handler in self._handlers else self._after).remove(handler)
        self._tell_sink()

    def fire(self, *, reverse=False, **kwargs):
        if reverse:
            call_all([*reversed(self._after), self._record, *reversed(self._handlers)], kwargs)
        else:
            call_all([*self._handlers, self._record, *self._after], kwargs)

    def _record(self, *, request_type, name, response_time, response_length, exception=None, **_rest):
        if self._stats is None:
            return
        self._stats.log_request(request_type, name, response_time, response_length)
        if exception:
            self._stats.log_error(request_type, name, exception)

    def _tell_sink(self):
        self.sink.before = self._handlers or None
        self.sink.after = self._after or None


def sink_of(hook):
    """What a session reports to so that `hook` hears of it: any hook, not only that of an environment."""
    if isinstance(hook, RequestHook):
        return hook.sink
    sink = _core.Sink()
    sink.after = lambda **kwargs: hook.fire(**kwargs)
    return sink


# The hooks that exist, with the arguments their listeners get. The order of a run is in docs/locust.md.
HOOKS = {
    "init_command_line_parser": "parser",
    "init": "environment, runner, web_ui",
    "test_start": "environment",
    "spawning_complete": "user_count",
    "request": "request_type, name, response_time, response_length, response, context, exception, start_time, url",
    "user_error": "user_instance, exception, tb",
    "test_stopping": "environment",
    "test_stop": "environment",
    "reset_stats": "",
    "report_to_master": "client_id, data",
    "worker_report": "client_id, data",
    "worker_connect": "client_id",
    "heartbeat_sent": "client_id, timestamp",
    "heartbeat_received": "client_id, timestamp",
    "cpu_warning": "environment, cpu_usage",
    "usage_monitor": "environment, cpu_usage, memory_usage",
    "quitting": "environment",
    "quit": "exit_code",
}


class Events:
    """All hooks, as attributes. Scripts may set further attributes to hooks of their own."""

    def __init__(self):
        for name in HOOKS:
            setattr(self, name, RequestHook() if name == "request" else EventHook())

    def __getattr__(self, name):
        """Hooks by their names from before version 1.0."""
        return _legacy.old_hook(self, name)


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
