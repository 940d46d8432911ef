"""Names that modules of Locust 2.47 have because they use them, and that locustfiles import from there.

A module asks `elsewhere` for a name that it has not: it comes from where it is at home, when somebody asks.
`tests/names.json` is the list of all of Locust's names, and a test says which of them are nowhere.
"""

import importlib

from ._unsupported import refuse

_EXCEPTIONS = ("RPCError", "RPCReceiveError", "RPCSendError", "StopTest")
_CONTROL = ("InterruptTaskSet", "RescheduleTask", "RescheduleTaskImmediately", "StopTest", "StopUser")

# By module, and there by home.
_HOMES = {
    "argument_parser": {"runners": ("Message",)},
    "clients": {"event": ("EventHook",)},
    "contrib.fasthttp": {"exception": ("CatchResponseError", "LocustError", "ResponseError")},
    "debug": {"exception": ("CatchResponseError", "RescheduleTask")},
    "env": {
        "dispatch": ("UsersDispatcher",),
        "shape": ("LoadTestShape",),
        "stats": ("StatsCSV",),
        "user.task": ("TaskHolder",),
        "user.users": ("User",),
        "web": ("WebUI",),
    },
    "event": {"exception": _CONTROL},
    "html": {"runners": ("MasterRunner", "STATE_STOPPED", "STATE_STOPPING")},
    "main": {
        "argument_parser": ("get_parser", "parse_locustfile_option"),
        "html": ("get_html_report", "process_html_filename"),
        "log": ("greenlet_exception_logger",),
        "opentelemetry": ("setup_opentelemetry",),
        "util.load_locustfile": ("load_locustfile", "load_locustfile_pytest"),
    },
    "opentelemetry": {"": ("events",), "runners": ("MasterRunner", "WorkerRunner")},
    "runners": {
        "dispatch": ("UsersDispatcher",),
        "exception": _EXCEPTIONS,
        "log": ("get_logs", "greenlet_exception_logger"),
        "stats": ("RequestStats", "StatsError"),
        "user.task": ("LOCUST_STATE_STOPPING",),
    },
    "shape": {"runners": ("Runner",)},
    "stats": {
        "exception": ("CatchResponseError",),
        "util.date": ("format_utc_timestamp",),
        "util.rounding": ("proper_round",),
    },
    "user.inspectuser": {"user.users": ("User",)},
    "user.sequential_taskset": {"exception": ("LocustError",)},
    "user.users": {
        "clients": ("RestResponseContextManager",),
        "exception": ("CatchResponseError",),
        "user.task": ("TaskSet", "get_tasks_from_base_classes"),
        "user.wait_time": ("constant",),
    },
    "util.load_locustfile": {"user.users": ("PytestUser",)},
    "web": {
        "html": ("get_html_report",),
        "log": ("get_logs", "greenlet_exception_logger"),
        "runners": ("MasterRunner", "STATE_MISSING", "STATE_RUNNING", "greenlet_exception_handler"),
        "user.inspectuser": ("get_ratio",),
        "user.users": ("HttpUser",),
        "util.date": ("format_safe_timestamp",),
        "util.timespan": ("parse_timespan",),
    },
}

# What is refused by its name where it is asked for.
_REFUSED = {
    "user.users": {"PytestUser": "a PytestUser"},
    "util.load_locustfile": {"load_locustfile_pytest": "a pytest-style locustfile"},
}


def elsewhere(module, name):
    """The object of that name, for a module's `__getattr__`. AttributeError if there is none in Locust."""
    inner = module.partition(".")[2]
    if what := _REFUSED.get(inner, {}).get(name):
        refuse(what)
    for home, names in _HOMES.get(inner, {}).items():
        if name in names:
            return getattr(importlib.import_module(f"locust.{home}" if home else "locust"), name)
    raise AttributeError(f"module {module!r} has no attribute {name!r}")
