"""What the page is told once a second: the state of the test; its numbers are taken from Rust.

A greenlet, as everything else of Python's; the page's own thread has no use for the interpreter.
"""

import json
import logging
import time

import gevent
from gevent.event import Event

from .. import _core
from ..argument_parser import ui_extra_args_dict
from ..log import greenlet_exception_logger
from ..runners import (
    STATE_CLEANUP,
    STATE_INIT,
    STATE_RUNNING,
    STATE_SPAWNING,
    STATE_STOPPED,
    STATE_STOPPING,
    MasterRunner,
)
from ..user.inspectuser import get_ratio

logger = logging.getLogger("locust.web")

_PERIOD = 1.0


class Feed:
    """Tells `server` how the test of `web_ui` stands."""

    def __init__(self, web_ui, server):
        self.web_ui = web_ui
        self.server = server
        self.environment = web_ui.environment
        self._occurrences = {}
        self._worker_lines = {}
        self._woken = Event()
        self._handler = _PageHandler(server)
        logging.getLogger().addHandler(self._handler)
        events = self.environment.events
        for hook in (events.test_start, events.test_stop, events.spawning_complete):
            hook.add_listener(self.wake)
        for hook in (events.test_start, events.reset_stats):
            hook.add_listener(self._forget)
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.link_exception(greenlet_exception_logger(logger))

    def close(self):
        """Tells how the test ended, and no more."""
        self._greenlet.kill()
        logging.getLogger().removeHandler(self._handler)
        self.push()

    def wake(self, **_kwargs):
        """Something changed that is not to wait for the next second."""
        self._woken.set()

    def _forget(self, **_kwargs):
        """Failures are counted from the start again: those of before may come again as often."""
        self._occurrences = {}

    def _run(self):
        due = time.monotonic()
        while True:
            self.push()
            # What is told between two full seconds does not move the next one.
            while due <= time.monotonic():
                due += _PERIOD
            # Twice at once would be once too often: what comes within a moment is told together.
            if self._woken.wait(timeout=max(0.0, due - time.monotonic())):
                gevent.sleep(0.05)
                self._woken.clear()

    def push(self):
        """Tells how the test stands."""
        self._tell_worker_lines()
        self._tell_lag()
        self.web_ui.guard(self.web_ui.is_guarded())
        state = json.dumps(self._state(), default=str, ensure_ascii=False)
        # What a task raised may have lone surrogates in it, which no JSON has.
        self.server.push(state.encode(errors="replace").decode(), self.environment.stats)

    def can(self):
        """The commands that the test takes now."""
        runner = self.environment.runner
        shape = self.environment.shape_class
        if runner.state in (STATE_SPAWNING, STATE_RUNNING):
            edit = ["edit"] if shape is None or shape.use_common_options else []
            return ["stop", "reset", *edit]
        if runner.state not in (STATE_INIT, STATE_STOPPED):
            return ["reset"]
        ready = not isinstance(runner, MasterRunner) or runner.worker_count > 0
        return ["start", "reset"] if ready else ["reset"]

    def _state(self):
        environment, runner = self.environment, self.environment.runner
        target = runner.target_user_count
        counts = runner.user_classes_count
        running = counts if runner.user_count else runner.final_user_classes_count
        state = "stopping" if runner.state in (STATE_CLEANUP, STATE_STOPPING) else runner.state
        return {
            "kind": "locust",
            "now": int(time.time() * 1000),
            "file": environment.locustfile or "",
            "host": self._host(),
            "planned": self._limit(),
            "form": self._form(),
            "extended": _extended(self.web_ui),
            "state": state,
            "can": self.can(),
            "users": {"now": runner.user_count, "target": target, "max": target, "by_class": counts},
            "workers": _workers(runner),
            "failures": self._failures(),
            "exceptions": [
                {
                    "message": each["msg"],
                    "traceback": each["traceback"],
                    "count": each["count"],
                    "nodes": sorted(each["nodes"]),
                }
                for each in runner.exceptions.values()
            ],
            "task_ratio": {
                "per_class": get_ratio(environment.user_classes, running, False),
                "total": get_ratio(environment.user_classes, running, True),
            },
            "saturated": _saturated(runner),
            "routes": self.web_ui.own_routes(),
            **(self.web_ui.watch.news() if self.web_ui.watch else {}),
        }

    def _limit(self):
        """After how many seconds the test ends; of the one that was started last, or of the command line."""
        if self.web_ui.has_started:
            return self.web_ui.run_time
        return getattr(self.environment.parsed_options, "run_time", None) or None

    def _host(self):
        if self.environment.host:
            return self.environment.host
        hosts = {cls.host for cls in self.environment.user_classes}
        return hosts.pop() if len(hosts) == 1 else None

    def _form(self):
        environment, options = self.environment, self.environment.parsed_options
        run_time = self._limit()
        picker = self.web_ui.userclass_picker_is_active
        classes = (environment.available_user_classes or {}).values() if picker else environment.user_classes
        shapes = ["Default", *(environment.available_shape_classes or {})] if picker else []
        return {
            "users": getattr(options, "num_users", None) or 1,
            "spawn_rate": getattr(options, "spawn_rate", None) or 1.0,
            "host": self._host(),
            "run_time": f"{run_time}s" if run_time else None,
            "classes": [self._class(cls) for cls in classes],
            "arguments": [_argument(name, extra) for name, extra in _extra_arguments(options)],
            "class_picker": picker,
            "shapes": shapes,
        }

    def _class(self, cls):
        known = (self.environment.available_user_tasks or {}).get(cls.__name__) or cls.tasks
        return {
            "name": cls.__name__,
            "weight": cls.weight,
            "fixed_count": max(0, int(cls.fixed_count or 0)),
            "host": cls.host if isinstance(cls.host, str) else None,
            "tasks": [task.__name__ for task in cls.tasks],
            # Also those that are switched off, each once.
            "all_tasks": list(dict.fromkeys(task.__name__ for task in known)),
        }

    def _failures(self):
        """Those that occurred since the last look."""
        changed = []
        errors = self.environment.stats.errors
        if len(errors) < len(self._occurrences):
            self._occurrences = {}
        for key, error in errors.items():
            occurrences = error.occurrences
            if self._occurrences.get(key) == occurrences:
                continue
            self._occurrences[key] = occurrences
            changed.append(
                {
                    "method": error.method or "",
                    "name": error.name,
                    "error": error.parse_error(error.error),
                    "count": occurrences,
                    "first": _ms(error.first_seen),
                    "last": _ms(error.last_seen),
                }
            )
        return changed

    def _tell_lag(self):
        """How late the loops that make the load were, here or in the workers."""
        runner = self.environment.runner
        if isinstance(runner, MasterRunner):
            for node in runner.clients.values():
                while node.lags:
                    self.server.lag(node.lags.popleft())
            return
        worst = _core.worst_lag()
        if worst is not None and runner.state in (STATE_SPAWNING, STATE_RUNNING):
            self.server.lag(worst)

    def _tell_worker_lines(self):
        for worker, lines in self.environment.worker_logs.items():
            known = self._worker_lines.get(worker, [])
            # Workers send the last lines they have: what follows our last one is new.
            start = 0
            if known and known[-1] in lines:
                start = len(lines) - lines[::-1].index(known[-1])
            for line in lines[start:]:
                self.server.log(time.time(), _level_of(line), line, worker)
            if lines:
                self._worker_lines[worker] = lines[-1:]


class _PageHandler(logging.Handler):
    """Tells the page of log records."""

    def __init__(self, server):
        super().__init__()
        self._server = server
        self._formatter = logging.Formatter("%(name)s: %(message)s")

    def emit(self, record):
        try:
            self._server.log(record.created, record.levelno, self._formatter.format(record))
        except Exception:
            self.handleError(record)


def _extended(web_ui):
    """What the locustfile adds to the page, under either spelling of its keys; None if it adds nothing."""
    args = web_ui.template_args

    def listed(name, camel, *keys):
        entries = args.get(name) or args.get(camel) or []
        return [{key: entry.get(key) for key in keys} for entry in entries if isinstance(entry, dict)]

    found = {
        "tabs": listed("extended_tabs", "extendedTabs", "title", "key"),
        "tables": listed("extended_tables", "extendedTables", "key", "structure"),
        "files": listed("extended_csv_files", "extendedCsvFiles", "href", "title"),
    }
    if getattr(web_ui.stats_csv_writer, "full_history", False):
        found["files"].append(
            {
                "href": "/stats/requests_full_history/csv",
                "title": "Full history, CSV",
                "text": "The statistics of each request, second by second, as --csv-full-history writes them.",
            }
        )
    return found if any(found.values()) else None


def _level_of(line):
    for name, level in (("/CRITICAL/", 50), ("/ERROR/", 40), ("/WARNING/", 30), ("/DEBUG/", 10)):
        if name in line[:120]:
            return level
    return 20


def _ms(seconds):
    return int(seconds * 1000) if seconds else None


def _workers(runner):
    if not isinstance(runner, MasterRunner):
        return []
    return [
        {
            "id": node.id,
            "state": node.state,
            "users": node.user_count,
            "cpu": round(node.cpu_usage, 1) if node.cpu_usage else None,
            "memory": node.memory_usage or None,
            "lag": node.lag,
        }
        for node in list(runner.clients.values())
    ]


def _saturated(runner):
    if runner.cpu_warning_emitted:
        return "this process used one whole core: what is measured may be its own doing; --processes starts more"
    if runner.worker_cpu_warning_emitted:
        return "a worker used one whole core: what is measured may be its own doing; more workers help"
    return None


def _extra_arguments(options):
    """The arguments that the locustfile added, with their present values."""
    if options is None:
        return []
    try:
        extra = ui_extra_args_dict([])
    except SystemExit:
        # One of them is required and has no default.
        return []
    now = {name: getattr(options, name, each["default_value"]) for name, each in extra.items()}
    return [(name, {**each, "default_value": now[name]}) for name, each in extra.items()]


def _argument(name, extra):
    default = extra["default_value"]
    if extra["is_secret"]:
        # The value stays here: whoever opens the page is not to read it.
        kind, default = "secret", None
    elif extra["choices"]:
        kind = "choice"
    elif isinstance(default, bool):
        kind = "boolean"
    elif isinstance(default, (int, float)):
        kind = "number"
    else:
        kind = "text"
    return {
        "name": name,
        "type": kind,
        "default": default,
        "choices": list(extra["choices"]) if extra["choices"] else None,
        "help": extra["help_text"],
        "multiple": bool(extra["is_multiple"]),
        "required": bool(extra["is_required"]),
    }
