"""One test and all its parts: what it runs, its settings, its events, its statistics, its runner."""

from . import dispatch
from ._names import elsewhere
from .event import Events
from .exception import RunnerAlreadyExistsError
from .runners import LocalRunner, MasterRunner, Runner, WorkerRunner
from .stats import RequestStats
from .user.task import TaskSet, filter_tasks_by_tags


class Environment:
    """What a locustfile gets as `environment`. Made by the command line, or by hand to use this as a library."""

    def __init__(
        self,
        *,
        user_classes=None,
        shape_class=None,
        tags=None,
        locustfile=None,
        exclude_tags=None,
        events=None,
        host=None,
        reset_stats=False,
        stop_timeout=None,
        catch_exceptions=True,
        parsed_options=None,
        parsed_locustfiles=None,
        available_user_classes=None,
        available_shape_classes=None,
        available_user_tasks=None,
        dispatcher_class=dispatch.UsersDispatcher,
        profile=None,
    ):
        # The `Runner` and the web page, once made.
        self.runner = None
        self.web_ui = None
        # What the process will exit with; None leaves that to the results.
        self.process_exit_code = None
        # The locustfile's name, for reports.
        self.locustfile = locustfile
        self.parsed_locustfiles = parsed_locustfiles
        self.events = events or Events()
        self.user_classes = list(user_classes or [])
        self.shape_class = shape_class
        self.tags = tags
        self.exclude_tags = exclude_tags
        self.stats = RequestStats()
        # The URL that stands before every path; wins over the classes' own.
        self.host = host
        self.reset_stats = reset_stats
        # Seconds that a user may take to finish its task when it is stopped.
        self.stop_timeout = float(stop_timeout) if stop_timeout else 0.0
        # Whether an exception in a task is reported and the user goes on.
        self.catch_exceptions = catch_exceptions
        self.parsed_options = parsed_options
        self.available_user_classes = available_user_classes
        self.available_shape_classes = available_shape_classes
        self.available_user_tasks = available_user_tasks
        self.dispatcher_class = dispatcher_class
        self.profile = profile
        self.worker_logs = {}
        # Settings of user classes that were changed, by class, for workers that join later.
        self._changed_user_classes = {}

        self._check_names()
        self._drop_weightless()
        if self.shape_class is not None and not hasattr(self.shape_class, "tick"):
            raise ValueError("shape_class must be an object of a LoadTestShape class")

    @property
    def user_classes_by_name(self):
        """The user classes by their names."""
        return {cls.__name__: cls for cls in self.user_classes}

    # ---- parts

    def create_local_runner(self):
        """The runner that runs users in this process."""
        return self._create_runner(LocalRunner)

    def create_master_runner(self, master_bind_host="*", master_bind_port=5557):
        """A runner that has workers run the users. OSError if it cannot listen for them there."""
        return self._create_runner(MasterRunner, master_bind_host, master_bind_port)

    def create_worker_runner(self, master_host, master_port):
        """A runner that runs users for a master, once that has answered; ConnectionError if it does not."""
        return self._create_worker(master_host, master_port)

    def create_parent_runner(self, sockets):
        """The runner that has forked processes run the users; `sockets` lead to them."""
        return self._create_runner(MasterRunner, sockets=sockets, listen=False)

    def create_child_runner(self, sock):
        """The runner of a forked process; `sock` leads to its parent."""
        return self._create_worker("its parent process", 0, sock)

    def _create_worker(self, *args):
        # What workers have in the histogram of a moment, their master caches.
        self.stats = RequestStats(use_response_times_cache=False)
        return self._create_runner(WorkerRunner, *args)

    def create_web_ui(
        self,
        host="",
        port=8089,
        web_base_path=None,
        web_login=False,
        tls_cert=None,
        tls_key=None,
        stats_csv_writer=None,
        delayed_start=False,
        userclass_picker_is_active=False,
        build_path=None,
    ):
        """The web page and its JSON, served from a greenlet."""
        # Here, because most runs have no page.
        from .web import WebUI

        self.web_ui = WebUI(
            self,
            host,
            port,
            web_base_path=web_base_path,
            web_login=web_login,
            tls_cert=tls_cert,
            tls_key=tls_key,
            stats_csv_writer=stats_csv_writer,
            delayed_start=delayed_start,
            userclass_picker_is_active=userclass_picker_is_active,
            build_path=build_path,
        )
        return self.web_ui

    def _create_runner(self, runner_class: type[Runner], *args, **kwargs):
        if self.runner is not None:
            raise RunnerAlreadyExistsError(f"this environment already has a {type(self.runner).__name__}")
        self.runner = runner_class(self, *args, **kwargs)
        if self.shape_class is not None:
            self.shape_class.runner = self.runner
        return self.runner

    # ---- user classes

    def update_user_class(self, user_settings):
        """Sets attributes of one user class: `user_class_name` says which, `tasks` are names of its tasks."""
        settings = dict(user_settings)
        name = settings.pop("user_class_name")
        classes = {**(self.available_user_classes or {}), **self.user_classes_by_name}
        if name not in classes:
            raise ValueError(f"there is no user class {name!r}")
        user_class = classes[name]
        for key, value in settings.items():
            if key == "tasks":
                known = (self.available_user_tasks or {}).get(name) or user_class.tasks
                user_class.tasks = [task for task in known if task.__name__ in value]
            else:
                setattr(user_class, key, value)
        self._changed_user_classes.setdefault(name, {}).update(user_settings)
        if isinstance(self.runner, MasterRunner):
            self.runner.send_message("update_user_class", user_settings)

    def assign_equal_weights(self):
        """Makes all user classes and all their tasks, nested ones too, equally likely."""
        for user_class in self.user_classes:
            user_class.weight = 1
            # A dict keeps the order and drops repetitions.
            user_class.tasks = list(dict.fromkeys(_flatten(user_class.tasks)))

    def _filter_tasks_by_tags(self):
        """Applies `tags` and `exclude_tags`, once: the classes' tasks are changed for good, and the tags are used up."""
        if self.tags is None and self.exclude_tags is None:
            return
        tags = None if self.tags is None else set(self.tags)
        exclude = None if self.exclude_tags is None else set(self.exclude_tags)
        for user_class in self.user_classes:
            filter_tasks_by_tags(user_class, tags, exclude)
        self.tags = self.exclude_tags = None

    def _drop_weightless(self):
        if not self.user_classes:
            return
        self.user_classes = [cls for cls in self.user_classes if cls.weight > 0 or cls.fixed_count > 0]
        if not self.user_classes:
            raise ValueError("every user class has weight 0: there is nothing to run")

    def _check_names(self):
        seen = {}
        for cls in self.user_classes:
            other = seen.setdefault(cls.__name__, cls)
            if other is not cls:
                raise ValueError(
                    f"two user classes are called {cls.__name__}: {other.fullname()} and {cls.fullname()}; rename one"
                )


def _flatten(tasks):
    for task in tasks:
        if isinstance(task, type) and issubclass(task, TaskSet):
            yield from _flatten(task.tasks)
        else:
            yield task


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
