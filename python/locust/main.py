"""The command line: from the arguments to the exit code.

`main` reads where the test is, loads it (so that it can add arguments), reads all arguments, and then either shows
something and ends or runs the test; how a run goes is in `_session`.
"""

import json
import logging
import os
import sys

from . import _locustfiles, _processes, _watch, argument_parser, events, stats
from ._names import elsewhere
from ._nodes import MasterSession, WorkerSession, supervise
from ._session import Session
from ._version import version
from .env import Environment
from .log import setup_logging
from .runners import tls, token
from .runners.kept import KeptError
from .user.inspectuser import print_task_ratio, print_task_ratio_json

logger = logging.getLogger(__name__)

__version__ = version


class _Failed(Exception):
    """The command line cannot be followed: message and exit code."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


def create_environment(
    user_classes,
    options,
    events=None,
    shape_class=None,
    locustfile=None,
    parsed_locustfiles=None,
    available_user_classes=None,
    available_shape_classes=None,
    available_user_tasks=None,
):
    """The environment that the options describe."""
    return Environment(
        locustfile=locustfile,
        user_classes=user_classes,
        shape_class=shape_class,
        events=events,
        host=options.host,
        tags=options.tags,
        exclude_tags=options.exclude_tags,
        reset_stats=options.reset_stats,
        parsed_options=options,
        stop_timeout=options.stop_timeout,
        parsed_locustfiles=parsed_locustfiles,
        available_user_classes=available_user_classes,
        available_shape_classes=available_shape_classes,
        available_user_tasks=available_user_tasks,
        profile=options.profile,
    )


def main():
    """Runs the command line in `sys.argv` and returns the exit code."""
    _watch.hide()
    token.hide()
    # First, because it listens to everything: it adds options, too.
    _import_plugins()
    paths, loaded = _load_test()
    options = argument_parser.parse_options()
    # Only now, because a locustfile may set up logging for the parser's sake.
    if not options.skip_log_setup:
        setup_logging(options.loglevel, options.logfile)
    logger.info("Starting Locust %s", version)
    try:
        return _follow(options, paths, loaded)
    except _Failed as failed:
        logger.error("%s", failed)
        return failed.code


def _load_test():
    """The locustfiles and what they define; nothing if only help is asked for."""
    first, _ = argument_parser.parse_locustfile_option()
    try:
        paths = _locustfiles.find(first.locustfile, first)
    except _locustfiles.LocustfileError as error:
        if first.help or first.version:
            return [], _locustfiles.Loaded()
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    try:
        return paths, _locustfiles.load(paths)
    except _locustfiles.LocustfileError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _import_plugins():
    try:
        import locust_plugins  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "locust_plugins":
            raise


def _follow(options, paths, loaded):
    stats.validate_stats_configuration()
    user_classes = _choose(options.user_classes, loaded)
    if options.master and options.worker:
        raise _Failed("The --master argument cannot be combined with --worker", 255)
    if options.autoquit != -1 and not options.autostart:
        raise _Failed("--autoquit is only meaningful in combination with --autostart")
    environment = create_environment(
        user_classes,
        options,
        events=events,
        shape_class=loaded.shape,
        locustfile=os.path.basename(paths[0]),
        parsed_locustfiles=paths,
        available_user_classes=dict(loaded.user_classes),
        available_shape_classes=dict(loaded.shapes),
        available_user_tasks=loaded.user_tasks,
    )
    _configure_users(environment, options.config_users)
    if options.equal_weights:
        environment.assign_equal_weights()
    if _show(environment, options, loaded):
        return 0
    _warn_of_shape(options, loaded.shape)
    if os.environ.get("THRONG_STATE_DIR") and not (options.master or options.worker):
        raise _Failed("THRONG_STATE_DIR (--state-dir) needs --master: without one the users end with this process")
    if options.processes is not None:
        return _run_processes(environment, options)
    if options.worker:
        return WorkerSession(environment, options).run()
    if not options.master:
        return Session(environment, options).run()
    return _run_master(environment, options)


def _run_master(environment, options):
    try:
        return MasterSession(environment, options).run()
    except tls.TlsError as error:
        raise _Failed(f"cannot listen for workers: {error}") from None
    except KeptError as error:
        raise _Failed(str(error)) from None
    except OSError as error:
        if environment.runner is not None:
            raise
        raise _Failed(
            f"cannot listen for workers on {options.master_bind_host}:{options.master_bind_port}: {error}; "
            "choose another port with --master-bind-port"
        ) from None


def _run_processes(environment, options):
    if options.processes != -1 and options.processes < 1:
        raise _Failed(f"--processes must be -1 or at least 1, not {options.processes}")
    if options.master:
        raise _Failed(
            "--master cannot be combined with --processes. Remove --master, as it is implicit as long as --worker is not set."
        )
    count = _processes.how_many(options.processes)
    if options.worker:
        children = _processes.fork_workers(count)
        return WorkerSession(environment, options).run() if children is None else supervise(children)
    children, sock = _processes.fork(count)
    if sock is not None:
        return WorkerSession(environment, options, sock).run()
    code = MasterSession(environment, options, children).run()
    children.wait()
    return code


def _choose(names, loaded):
    if not loaded.user_classes:
        if loaded.pytest_style:
            raise _Failed("No User class found! (locustfiles of pytest functions are not supported by throng yet)")
        raise _Failed("No User class found!")
    unknown = [name for name in names if name not in loaded.user_classes]
    if unknown:
        raise _Failed(f"Unknown User(s): {', '.join(unknown)}\n")
    return [loaded.user_classes[name] for name in names] or list(loaded.user_classes.values())


def _configure_users(environment, settings):
    for item in settings or ():
        for entry in item if isinstance(item, list) else [item]:
            if not isinstance(entry, dict) or "user_class_name" not in entry:
                raise _Failed(f"--config-users: no user_class_name in {json.dumps(entry)}", 255)
            try:
                environment.update_user_class(entry)
            except ValueError as error:
                raise _Failed(f"--config-users: {error}", 255) from None


def _show(environment, options, loaded):
    """What is asked for instead of a run; True if something was."""
    if options.list_commands:
        sys.stdout.write("Available Users:\n")
        for name in loaded.user_classes:
            sys.stdout.write(f"    {name}\n")
    elif options.show_task_ratio:
        line = "-" * 80
        for title, total in (("Task ratio per User class", False), ("Total task ratio", True)):
            sys.stdout.write(f"\n {title}\n{line}\n")
            print_task_ratio(environment.user_classes, options.num_users, total)
    elif options.show_task_ratio_json:
        print_task_ratio_json(environment.user_classes, options.num_users)
    else:
        return False
    return True


def _warn_of_shape(options, shape):
    """-u, -r and -t have no effect beside a shape, unless the shape reads them."""
    if shape is None or shape.use_common_options:
        return
    for name, flag in (("num_users", "users"), ("spawn_rate", "spawn-rate"), ("run_time", "run-time")):
        if getattr(options, name):
            logger.warning(
                "--%s has no impact on LoadTestShapes unless the shape class explicitly reads them. "
                "Set use_common_options = True on the shape to allow it",
                flag,
            )


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
