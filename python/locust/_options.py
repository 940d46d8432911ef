"""The options of the command line, as one table.

Flags, environment variables, defaults and help come from here. An option that throng does not have yet is
in the table too, so that it is refused by its name instead of being unknown or ignored.
"""

import argparse
import json
import math
import os
from dataclasses import dataclass, field

from .util.timespan import parse_timespan


@dataclass(frozen=True)
class Option:
    """One option: its flags, and what argparse needs to know of it."""

    flags: tuple
    help: str
    env: str = ""
    settings: dict = field(default_factory=dict)
    # What it is called in the refusal, if throng does not have it yet.
    refused: str = ""


def _flag(*flags, help, env="", **settings):
    return Option(flags, help, env, {"action": "store_true", **settings})


def _value(*flags, help, env="", **settings):
    return Option(flags, help, env, settings)


def _hidden(option):
    return Option(option.flags, argparse.SUPPRESS, option.env, option.settings, option.refused)


def _refused(option, what):
    return Option(option.flags, option.help, option.env, option.settings, what)


# ---- types of values


def positive_rate(text):
    """A spawn rate: users a second, more than none."""
    value = float(text)
    if not math.isfinite(value) or value <= 0:
        raise argparse.ArgumentTypeError("must be > 0")
    return value


def timespan(text):
    """A duration in whole seconds."""
    try:
        return parse_timespan(str(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive_integer(text):
    """A whole number from 1 on."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"invalid int value: '{text}'") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"Invalid --expect-workers argument ({value}), must be a positive number")
    return value


def user_settings(text):
    """Settings of user classes: JSON, or the name of a file with JSON."""
    try:
        if text.endswith(".json"):
            with open(text, encoding="utf-8") as file:
                return json.load(file)
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(
            f"could not read the settings of user classes from {text!r}: {error}"
        ) from None


class Renamed(argparse.Action):
    """An option that is gone; says what took its place."""

    def __call__(self, parser, namespace, values, option_string=None):
        parser.error(f"argument {option_string}: {self.const}")


def _gone(flag, hint, **settings):
    return Option((flag,), argparse.SUPPRESS, "", {"action": Renamed, "const": hint, **settings})


class OldName(argparse.Action):
    """An option from before version 1.0; works, and says once what it is called today."""

    def __init__(self, *args, const=None, **kwargs):
        # `const` is (new flag, value to store or None for the given one).
        super().__init__(*args, const=const, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None):
        from ._legacy import deprecated

        new, stored = self.const
        deprecated(option_string, f"use {new}")
        setattr(namespace, self.dest, values if stored is None else stored)


def _old(*flags, new, dest, stored=None, **settings):
    nargs = {} if stored is None else {"nargs": 0}
    settings = {
        "action": OldName,
        "const": (new, stored),
        "dest": dest,
        "default": argparse.SUPPRESS,
        **nargs,
        **settings,
    }
    return Option(flags, argparse.SUPPRESS, "", settings)


# A table is read more easily with each option's help below its flags.
# fmt: off
SECTIONS = {
    "Common options": (
        _value("-f", "--locustfile", env="LOCUST_LOCUSTFILE", metavar="<filename>", default="locustfile.py",
               help="The file that contains the test; several with commas between, a folder, or a URL. Default: locustfile.py"),
        _value("--config", metavar="<filename>", help="A file to read further options from"),
        _value("-H", "--host", env="LOCUST_HOST", metavar="<base url>", help="What to load, such as https://www.example.com"),
        _value("-u", "--users", env="LOCUST_USERS", type=int, dest="num_users", metavar="<int>",
               help="How many users there are at the peak; with --headless or --autostart. In a terminal w and W add "
               "1 and 10 users during the test, s and S take them away"),
        _value("-r", "--spawn-rate", env="LOCUST_SPAWN_RATE", type=positive_rate, metavar="<float>",
               help="How many users start in a second; with --headless or --autostart"),
        _value("-t", "--run-time", env="LOCUST_RUN_TIME", type=timespan, metavar="<time string>",
               help="Stop after this time, such as 300s, 20m, 3h, 1h30m; with --headless or --autostart. Default: never"),
        _flag("-l", "--list", dest="list_commands", help="Show the user classes and exit"),
        _value("--config-users", env="LOCUST_CONFIG_USERS", type=user_settings, nargs="*",
               help="Settings of user classes: JSON objects or lists of them, or files that contain them"),
    ),
    "Web UI options": (
        _value("--web-host", env="LOCUST_WEB_HOST", default="", metavar="<ip>",
               help="The address that the web interface listens on. Default: all"),
        _hidden(_value("--web-host-display-name", env="LOCUST_WEB_HOST_DISPLAY_NAME", metavar="<host name>", help="")),
        _value("--web-port", "-P", env="LOCUST_WEB_PORT", type=int, default=8089, metavar="<port number>",
               help="The port that the web interface listens on. Default: 8089"),
        _flag("--headless", env="LOCUST_HEADLESS", help="Start the test at once and without the web interface"),
        _flag("--autostart", env="LOCUST_AUTOSTART", help="Start the test at once, with the web interface"),
        _value("--autoquit", env="LOCUST_AUTOQUIT", type=int, default=-1, metavar="<seconds>",
               help="With --autostart: end so many seconds after the test. Default: go on until stopped"),
        _hidden(_flag("--headful", env="LOCUST_HEADFUL", help="")),
        _gone("--web-auth", "The --web-auth parameters has been replaced with --web-login", metavar="<username:password>"),
        _flag("--web-login", env="LOCUST_WEB_LOGIN",
              help="Let in only those who log in: with THRONG_WEB_USER and THRONG_WEB_PASSWORD[_FILE], or THRONG_WEB_TOKEN[_FILE], "
              "or as the locustfile's web_ui.auth_args says"),
        _value("--tls-cert", env="LOCUST_TLS_CERT", default="", metavar="<filename>",
               help="The certificate to serve the web interface over HTTPS with"),
        _value("--tls-key", env="LOCUST_TLS_KEY", default="", metavar="<filename>", help="The private key of --tls-cert"),
        _flag("--class-picker", env="LOCUST_USERCLASS_PICKER",
              help="Let the web interface choose among the user classes and shapes"),
        _refused(_hidden(_value("--build-path", env="LOCUST_BUILD_PATH", default="", help="")), "--build-path"),
        _gone("--legacy-ui", "there is only one web interface", nargs=0),
        _value("--web-base-path", env="LOCUST_WEB_BASE_PATH", default="",
               help="The path that the web interface is served under, such as /locust"),
    ),
    "Master options": (
        _flag("--master", env="LOCUST_MODE_MASTER", help="Control workers, which run the users"),
        _value("--master-bind-host", env="LOCUST_MASTER_BIND_HOST", default="*", metavar="<ip>",
               help="The address that workers connect to. Default: all"),
        _value("--master-bind-port", env="LOCUST_MASTER_BIND_PORT", type=int, default=5557, metavar="<port number>",
               help="The port that workers connect to. Default: 5557"),
        _value("--expect-workers", env="LOCUST_EXPECT_WORKERS", type=positive_integer, default=1, metavar="<int>",
               help="With --headless or --autostart: wait for so many workers"),
        _value("--expect-workers-max-wait", env="LOCUST_EXPECT_WORKERS_MAX_WAIT", type=int, default=0, metavar="<int>",
               help="How many seconds to wait for workers. Default: for ever"),
        _flag("--enable-rebalancing", help="Deal the users anew when workers come or go. throng always does"),
        _old("--expect-slaves", new="--expect-workers", dest="expect_workers", type=positive_integer),
    ),
    "Worker options": (
        _flag("--worker", env="LOCUST_MODE_WORKER", help="Run users for a master"),
        _value("--processes", env="LOCUST_PROCESSES", type=int, metavar="<int>",
               help="Run the users in so many processes beside this one; -1 is one for each core. With --worker, be so "
               "many workers"),
        _old("--slave", new="--worker", dest="worker", stored=True),
        _value("--master-host", env="LOCUST_MASTER_NODE_HOST", default="127.0.0.1", metavar="<hostname>",
               help="The master to connect to. Default: 127.0.0.1"),
        _value("--master-port", env="LOCUST_MASTER_NODE_PORT", type=int, default=5557, metavar="<port number>",
               help="The master's port. Default: 5557"),
    ),
    "Tag options": (
        _value("-T", "--tags", env="LOCUST_TAGS", nargs="*", metavar="<tag>", help="Run only tasks with one of these tags"),
        _value("-E", "--exclude-tags", env="LOCUST_EXCLUDE_TAGS", nargs="*", metavar="<tag>",
               help="Leave out tasks with one of these tags"),
    ),
    "Request statistics options": (
        _value("--csv", env="LOCUST_CSV", dest="csv_prefix", metavar="<filename>",
               help="Write statistics to four files: <filename>_stats.csv, _failures.csv, _exceptions.csv and "
               "_stats_history.csv. Folders are made"),
        _flag("--csv-full-history", env="LOCUST_CSV_FULL_HISTORY", dest="stats_history_enabled",
              help="With --csv: every endpoint in _stats_history.csv, not only the total"),
        _flag("--print-stats", env="LOCUST_PRINT_STATS", help="Print the statistics every two seconds with the web interface too"),
        _flag("--only-summary", env="LOCUST_ONLY_SUMMARY", help="Print the statistics only at the end"),
        _flag("--reset-stats", env="LOCUST_RESET_STATS", help="Start the statistics over when all users are spawned"),
        _value("--html", env="LOCUST_HTML", dest="html_file", metavar="<filename>",
               help="Write a report; {u}, {r} and {t} in the name become users, spawn rate and run time"),
        _flag("--json", help="Print the final statistics as JSON to standard output"),
        _value("--json-file", metavar="<filename>", help="Write the final statistics as JSON to <filename>.json"),
    ),
    "Logging options": (
        _flag("--skip-log-setup", env="LOCUST_SKIP_LOG_SETUP", help="Leave logging to the locustfile"),
        _value("--loglevel", "-L", env="LOCUST_LOGLEVEL", type=str.upper, default="INFO", metavar="<level>",
               choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
               help="DEBUG, INFO, WARNING, ERROR or CRITICAL. Default: INFO"),
        _value("--logfile", env="LOCUST_LOGFILE", metavar="<filename>", help="Log to this file. Default: standard error"),
    ),
    "Other options": (
        _flag("--show-task-ratio", help="Print how likely each task is, and exit"),
        _flag("--show-task-ratio-json", help="Print as JSON how likely each task is, and exit"),
        _value("--exit-code-on-error", env="LOCUST_EXIT_CODE_ON_ERROR", type=int, default=1, metavar="<int>",
               help="The exit code when there were failures or exceptions. Default: 1"),
        _value("-s", "--stop-timeout", env="LOCUST_STOP_TIMEOUT", type=timespan, default="0", metavar="<number>",
               help="How many seconds a user may take to finish its task when it is stopped. Default: none"),
        _flag("--equal-weights", help="Make all user classes and all tasks equally likely"),
        _value("--profile", help="A name that groups runs"),
        _refused(_flag("--otel", env="LOCUST_ENABLE_OPENTELEMETRY", help="Trace with OpenTelemetry"), "--otel"),
        # From before version 1.0.
        _old("-c", "--clients", new="-u, --users", dest="num_users", type=int),
        _old("--hatch-rate", new="-r, --spawn-rate", dest="spawn_rate", type=positive_rate),
        _old("--no-web", new="--headless", dest="headless", stored=True),
        _old("--no-reset-stats", new="nothing: statistics are kept unless --reset-stats is given", dest="reset_stats",
             stored=False),
    ),
}
# fmt: on

# What a worker needs to know to get the test from its master, and what could be taken for an abbreviation of it.
WHERE_THE_MASTER_IS = [
    option
    for title in ("Master options", "Worker options")
    for option in SECTIONS[title]
    if option.flags[0].startswith(("--master", "--worker", "--slave"))
]

REFUSED = [option for options in SECTIONS.values() for option in options if option.refused]


def program_name():
    """What the program calls itself in messages."""
    return os.environ.get("THRONG_FACE", "locust")
