"""What the web interface does: starts, changes and stops tests."""

import logging
import math
import time

import gevent

from ..runners import STATE_RUNNING, STATE_SPAWNING
from ..util.timespan import FORMATS, parse_timespan

logger = logging.getLogger("locust.web")

# Fields of the form that are not options of the command line.
_OWN_FIELDS = ("user_classes", "shape_class", "user_count", "spawn_rate", "host")
# More is a mistake: so many users fit into no test, and starting them would end this process.
_MOST_USERS = 10_000_000
# What these fields were called before version 1.0.
_OLD_NAMES = {"locust_count": "user_count", "hatch_rate": "spawn_rate"}


def swarm(web_ui, form, keeps_limit=False):
    """Starts a test, or changes the running one, as the form says; returns the answer. As in Locust a change ends the limit
    of its time, unless that is to be kept."""
    environment = web_ui.environment
    form = {_OLD_NAMES.get(name, name): values for name, values in form.items()}
    given = {name: values[-1] for name, values in form.items()}
    host = given.get("host", environment.host)
    if host:
        host = host.replace("<", "").replace(">", "")
    try:
        run_time = parse_timespan(given["run_time"]) if given.get("run_time") else None
    except ValueError:
        return _failure(f"Valid run_time formats are : {FORMATS}", host)

    answer = {"success": True, "host": host}
    if web_ui.userclass_picker_is_active:
        answer["user_classes"] = _choose_classes(environment, form, given)
    try:
        _set_options(environment, form)
    except ValueError as error:
        return _failure(str(error), host)
    if host:
        environment.host = host
    if environment.parsed_options is not None:
        if "host" in given:
            environment.parsed_options.host = host
        if "user_classes" in form:
            environment.parsed_options.user_classes = form["user_classes"]
    if "profile" in given:
        environment.profile = given["profile"]

    shape = environment.shape_class
    if shape is not None and not environment.runner.shape_greenlet:
        web_ui.has_started, web_ui.run_time = True, None
        environment.runner.start_shape()
        answer["message"] = f"Swarming started using shape class '{type(shape).__name__}'"
        return answer
    try:
        user_count = int(given["user_count"]) if given.get("user_count") else None
    except ValueError:
        return _failure(f"Invalid user_count value: '{given['user_count']}' (must be an integer)", host)
    try:
        spawn_rate = float(given["spawn_rate"]) if given.get("spawn_rate") else None
    except ValueError:
        return _failure(f"Invalid spawn_rate value: '{given['spawn_rate']}' (must be a number)", host)
    if user_count is not None and not 0 <= user_count <= _MOST_USERS:
        return _failure(f"Invalid user_count value: '{user_count}' (must be from 0 to {_MOST_USERS})", host)
    if user_count is None or spawn_rate is None or not 0 < spawn_rate < math.inf:
        return _failure("Missing or invalid user_count or spawn_rate from /swarm request", host)
    if environment.parsed_options is not None:
        environment.parsed_options.num_users = user_count
        environment.parsed_options.spawn_rate = spawn_rate
    if keeps_limit:
        environment.runner.start(user_count, spawn_rate)
        answer["message"] = "Swarming started"
        return answer
    _cancel_time_limit(web_ui)
    web_ui.has_started, web_ui.run_time = True, run_time
    environment.runner.start(user_count, spawn_rate)
    if run_time:
        web_ui.run_time_greenlet = gevent.spawn(_stop_after, web_ui, run_time)
        answer["run_time"] = run_time
    answer["message"] = "Swarming started"
    return answer


def stop(web_ui):
    """Stops the test; returns when it is stopped."""
    _cancel_time_limit(web_ui)
    web_ui.environment.runner.stop()
    return {"success": True, "message": "Test stopped"}


def reset(web_ui):
    """Starts statistics and exceptions over."""
    environment = web_ui.environment
    environment.events.reset_stats.fire()
    environment.stats.reset_all()
    environment.runner.exceptions = {}
    return "ok"


def update_user(web_ui, settings):
    """Sets attributes of a user class."""
    if not isinstance(settings, dict) or not isinstance(settings.get("user_class_name"), str):
        raise ValueError('the body must be a JSON object with "user_class_name" and the attributes to set')
    tasks = settings.get("tasks", [])
    if not isinstance(tasks, list) or not all(isinstance(name, str) for name in tasks):
        raise ValueError('"tasks" must be a list of the names of tasks')
    if settings.get("fixed_count", 0) is None:
        settings = {**settings, "fixed_count": 0}
    for name, kinds in (("weight", (int, float)), ("fixed_count", int)):
        value = settings.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < 1e9:
            raise ValueError(f'"{name}" must be a number from 0')
    if not isinstance(settings.get("host"), (str, type(None))):
        raise ValueError('"host" must be a text')
    web_ui.environment.update_user_class(settings)
    return {}


def _failure(message, host):
    logger.error("%s", message)
    return {"success": False, "message": message, "host": host}


def _choose_classes(environment, form, given):
    """Uses the user classes and the shape that were picked; their names."""
    shapes = {"Default": None, **(environment.available_shape_classes or {})}
    chosen = given.get("shape_class") or "Default"
    if chosen not in shapes:
        raise ValueError(f"there is no shape class {chosen!r}")
    # The one that runs is asked until it ends.
    if not environment.runner.shape_greenlet:
        environment.shape_class = shapes[chosen]
        if environment.shape_class is not None:
            environment.shape_class.runner = environment.runner
    names = form.get("user_classes")
    available = environment.available_user_classes or {}
    if not names and environment.runner.state not in (STATE_SPAWNING, STATE_RUNNING):
        names = list(available)
    if not names:
        return [cls.__name__ for cls in environment.user_classes]
    unknown = [name for name in names if name not in available]
    if unknown:
        raise ValueError(f"there is no user class {', '.join(unknown)}")
    classes = [available[name] for name in names if available[name].weight > 0 or available[name].fixed_count]
    if not classes:
        raise ValueError("every user class has weight 0: there is nothing to run")
    environment.user_classes = classes
    return names


def _set_options(environment, form):
    """Sets options by name, each converted to the type that it has now."""
    options = environment.parsed_options
    for name, values in form.items():
        if options is None or name in _OWN_FIELDS or not hasattr(options, name):
            continue
        now = getattr(options, name)
        value = values[-1]
        try:
            if isinstance(now, bool):
                converted = value.lower() in ("true", "on", "yes", "1")
            elif isinstance(now, list):
                converted = [type(now[0])(each) for each in values] if now else values
            elif name == "run_time":
                converted = parse_timespan(value) if value else None
            elif now is None:
                converted = value or None
            else:
                converted = type(now)(value)
        except ValueError:
            raise ValueError(f"{name} cannot be {value!r}: it is a {type(now).__name__}") from None
        setattr(options, name, converted)


def _stop_after(web_ui, seconds):
    due = time.perf_counter() + seconds
    while (left := due - time.perf_counter()) > 0:
        gevent.sleep(left)
    logger.info("--run-time limit reached, stopping test")
    web_ui.environment.runner.stop()


def _cancel_time_limit(web_ui):
    if web_ui.run_time_greenlet:
        web_ui.run_time_greenlet.kill(block=False)
        web_ui.run_time_greenlet = None
