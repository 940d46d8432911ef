"""What a master tells those who come: whether the versions fit, the locustfile, the options."""

import logging
import os
from functools import cache

import gevent
from gevent.lock import BoundedSemaphore

from .. import _core
from .._version import version
from .archive import Archive, Unshipped

logger = logging.getLogger("locust.runners")


def warn_of_version(client_id, client_version):
    """Says if a worker is of another version; -1 stands for one in another language."""
    if client_version == -1 or client_version == version:
        return
    theirs = str(client_version)
    log = logger.debug if theirs[:4] == version[:4] else logger.warning
    log("A worker (%s) is running a different version (%s) than the master (%s)", client_id, theirs, version)


def locustfiles_of(environment):
    """The answer to a worker that has no locustfile: the text of each file, to be written side by side."""
    paths = environment.parsed_locustfiles or []
    if not paths:
        return {"error": "the master has no locustfile to give away"}
    files = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                files.append({"filename": os.path.basename(path), "contents": file.read()})
        except (OSError, ValueError) as error:
            return {"error": f"the master cannot read {os.path.basename(path)}: {error}"}
    return {"locustfiles": files}


class Files:
    """All files of the test, for workers that have none; read once, when the first of them asks."""

    def __init__(self, environment):
        self._environment = environment
        self._archive = None
        self._reading = BoundedSemaphore()

    def part(self, number):
        """The answer with that part of them; only the locustfiles where they cannot travel together."""
        paths = self._environment.parsed_locustfiles or []
        with self._reading:
            if self._archive is None and paths:
                try:
                    # On a thread: heartbeats do not wait for a disk.
                    self._archive = gevent.get_hub().threadpool.apply(Archive, (paths,))
                except (Unshipped, OSError, ValueError) as error:
                    logger.warning("Workers get the locustfile without the files beside it: %s", error)
                    self._archive = False
        if not self._archive or not isinstance(number, int):
            return locustfiles_of(self._environment)
        return {"throng": self._archive.part(number)}


def options_for_workers(options):
    """All options that a message can carry, by name; workers use those that the locustfile added."""
    sent = {}
    for name, value in vars(options).items() if options is not None else ():
        try:
            _core.pack_message("", value, "", lambda item: item)
        except (TypeError, ValueError, OverflowError):
            # An argument of the locustfile's own type: each worker has its own value of it.
            logger.debug("option %s is not sent to workers: a message cannot carry %r", name, type(value))
        else:
            sent[name] = value
    return sent


def apply_options(environment, options):
    """Takes over what a worker needs of its master's options: the locustfile's own, tags, and how many workers there are.

    The others, such as its files, are each process's own.
    """
    if environment.parsed_options is None:
        return
    shared = ("tags", "exclude_tags", "expect_workers")
    for name, value in options.items():
        if name not in _our_options() or name in shared:
            setattr(environment.parsed_options, name, value)
    for name in ("tags", "exclude_tags"):
        if options.get(name) is not None:
            setattr(environment, name, options[name])


@cache
def _our_options():
    from ..argument_parser import default_args_dict

    return frozenset(default_args_dict())
