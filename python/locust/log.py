"""Logging as tools that read a locust's standard error expect it.

Also keeps the last lines for the web page, and notes whether a greenlet or an event listener failed, which
decides the exit code.
"""

import logging
import logging.config
import os
import socket
import traceback
from collections import deque

HOSTNAME = socket.gethostname().split(".")[0]

# Set when a greenlet or an event listener failed: the process then ends with code 2.
unhandled_greenlet_exception = False

KEPT_LINES = 500


class LogReader(logging.Handler):
    """Keeps the last lines in memory."""

    def __init__(self):
        super().__init__()
        self.logs = deque(maxlen=KEPT_LINES)
        # All that there were, those no longer kept too.
        self.count = 0

    def emit(self, record):
        self.logs.append(self.format(record))
        self.count += 1


def setup_logging(loglevel, logfile=None):
    """Everything from `loglevel` on to standard error or `logfile`; the statistics tables always to standard error."""
    if logfile and os.path.dirname(logfile):
        os.makedirs(os.path.dirname(logfile), exist_ok=True)
    main = (
        {"class": "logging.FileHandler", "filename": logfile, "formatter": "default"}
        if logfile
        else {"class": "logging.StreamHandler", "formatter": "default"}
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "default": {"format": f"[%(asctime)s] {HOSTNAME}/%(levelname)s/%(name)s: %(message)s"},
                "plain": {"format": "%(message)s"},
            },
            "handlers": {
                "main": main,
                "plain": {"class": "logging.StreamHandler", "formatter": "plain"},
                "reader": {"class": "locust.log.LogReader", "formatter": "default"},
            },
            "loggers": {
                "locust.stats_logger": {"handlers": ["plain", "reader"], "level": "INFO", "propagate": False},
            },
            "root": {"handlers": ["main", "reader"], "level": loglevel.upper()},
        }
    )


def get_logs():
    """The last lines that were logged, oldest first."""
    reader = _reader()
    return list(reader.logs) if reader else []


def lines_logged():
    """How many lines were logged so far."""
    reader = _reader()
    return reader.count if reader else 0


def _reader():
    return next((handler for handler in logging.getLogger().handlers if isinstance(handler, LogReader)), None)


def greenlet_exception_logger(logger, level=logging.CRITICAL):
    """A function for `Greenlet.link_exception` that logs what the greenlet died of."""

    def log_death(greenlet):
        global unhandled_greenlet_exception
        # Meant for the whole process, whoever ran when it came: gevent hands it to the main greenlet.
        if isinstance(greenlet.exception, KeyboardInterrupt):
            return
        unhandled_greenlet_exception = True
        if greenlet.exc_info and greenlet.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*greenlet.exc_info))
            logger.log(level, "Unhandled exception in greenlet: %s\n%s", greenlet, trace)
        else:
            logger.log(level, "Unhandled exception in greenlet: %s: %s", greenlet, greenlet.exception)

    return log_death
