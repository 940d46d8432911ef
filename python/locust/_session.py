"""One run from the command line: starts it, waits for its end, and shuts down in the documented order.

At the end: `quitting` (last listener first), the exit code, the runner's end, the summary, `quit`, the files.
"""

import logging
import signal
import sys
import time
import webbrowser

import gevent

from . import _history, _interrupts, _keys, _watch, html, log, stats
from .log import greenlet_exception_logger
from .runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, STATE_STOPPED

logger = logging.getLogger("locust.main")

greenlet_exception_handler = greenlet_exception_logger(logger)


class Session:
    """A run, its environment and its options."""

    def __init__(self, environment, options):
        self.environment = environment
        self.options = options
        self.runner = None
        self.csv = None
        self.web_ui = None
        # Keeps a run that has no page.
        self.unseen = None
        self.watch = None
        self._interrupted = False

    def run(self):
        """Runs the test and returns the exit code."""
        environment, options = self.environment, self.options
        self.runner = self._make_runner()
        self.csv = self._csv_writer()
        if not options.headless:
            try:
                self.web_ui = self._web_ui()
            except ValueError as error:
                logger.error("there can be no web interface: %s", error)
                return 1
        environment.events.init.fire(environment=environment, runner=self.runner, web_ui=self.web_ui)
        if log.unhandled_greenlet_exception:
            # A test that could not set itself up must not run.
            return 1
        try:
            history = _history.wanted(environment)
            if history and not self.web_ui:
                self.unseen = _history.Unseen(environment, history)
        except ValueError as error:
            logger.error("%s", error)
            return 1
        # Before the page, which may start a test at once.
        self.watch = _watch.start(environment, self.runner, self._prints_stats())
        if page := self.web_ui or self.unseen:
            page.watch = self.watch
        if self.web_ui:
            self.web_ui.history = history
            try:
                self.web_ui.start()
            except OSError as error:
                logger.error("the web interface cannot listen on port %s: %s", self.options.web_port, error)
                return 1
            except ValueError as error:
                logger.error("%s", error)
                return 1
            logger.info("Starting web interface at %s, press enter to open your default browser.", self.web_ui.url)
        self._start_helpers()
        waiting = gevent.getcurrent()
        _interrupts.deliver_here()
        terminated = gevent.signal_handler(signal.SIGTERM, self._terminate, waiting)
        try:
            self._wait()
        except KeyboardInterrupt:
            self._interrupted = True
        except SystemExit as order:
            # Code of the test that exits in the main greenlet, such as a listener.
            if environment.process_exit_code is None and isinstance(order.code, int):
                environment.process_exit_code = order.code
        finally:
            terminated.cancel()
        return self._shut_down()

    # ---- parts

    def _make_runner(self):
        return self.environment.create_local_runner()

    def _csv_writer(self):
        if self.options.csv_prefix:
            return stats.StatsCSVFileWriter(
                self.environment,
                stats.PERCENTILES_TO_REPORT,
                self.options.csv_prefix,
                self.options.stats_history_enabled,
            )
        return stats.StatsCSV(self.environment, stats.PERCENTILES_TO_REPORT)

    def _web_ui(self):
        options = self.options
        host = "" if options.web_host == "*" else options.web_host
        return self.environment.create_web_ui(
            host=host,
            port=options.web_port,
            web_base_path=options.web_base_path,
            web_login=options.web_login,
            tls_cert=options.tls_cert,
            tls_key=options.tls_key,
            stats_csv_writer=self.csv,
            delayed_start=True,
            userclass_picker_is_active=options.class_picker,
        )

    def _start_helpers(self):
        options = self.options
        gevent.spawn(stats.stats_history, self.runner).link_exception(greenlet_exception_handler)
        if self.options.csv_prefix:
            gevent.spawn(self.csv.stats_writer).link_exception(greenlet_exception_handler)
        if self._prints_stats():
            gevent.spawn(stats.stats_printer(self.environment.stats)).link_exception(greenlet_exception_handler)
        if sys.stdin and sys.stdin.isatty():
            actions = {key: self._change_users(by) for key, by in (("w", 1), ("W", 10), ("s", -1), ("S", -10))}
            if self.web_ui:
                actions["\n"] = actions["\r"] = lambda: webbrowser.open_new_tab(self.web_ui.url)
            gevent.spawn(_keys.listen, actions).link_exception(greenlet_exception_handler)

    def _prints_stats(self):
        options = self.options
        return (options.headless and not options.only_summary) or options.print_stats

    def _change_users(self, by):
        def change():
            if self.runner.state in (STATE_RUNNING, STATE_SPAWNING):
                self.runner.start(max(0, self.runner.user_count + by), 100)

        return change

    # ---- the run

    def _wait(self):
        """Returns when the run is over."""
        if self.options.headless:
            self._start_test("--run-time limit reached, shutting down", self.runner.quit)
        elif self.options.autostart:
            self._start_test("--run-time limit reached, stopping test", self._stop_and_autoquit)
        if self.options.autostart and self.environment.shape_class and not self.options.headless:
            gevent.spawn(self._autoquit_after_shape).link_exception(greenlet_exception_handler)
        self.runner.greenlet.join()

    def _start_test(self, limit_message, end):
        options, shape = self.options, self.environment.shape_class
        own_clock = shape is not None and not shape.use_common_options
        if options.run_time and not own_clock:
            logger.info("Run time limit set to %d seconds", options.run_time)
            gevent.spawn(self._limit, options.run_time, limit_message, end).link_exception(greenlet_exception_handler)
        elif options.headless and not own_clock:
            logger.info("No run time limit set, use CTRL+C to interrupt")
        if shape is not None:
            self.runner.start_shape()
        else:
            users = 1 if options.num_users is None else options.num_users
            rate = 1.0 if options.spawn_rate is None else options.spawn_rate
            self.runner.start(users, rate)

    def _limit(self, seconds, message, end):
        # Against the clock: a timer of the event loop counts from a time that may be long past after a start-up.
        due = time.perf_counter() + seconds
        while (left := due - time.perf_counter()) > 0:
            gevent.sleep(left)
        logger.info(message)
        end()

    def _stop_and_autoquit(self):
        self.runner.stop()
        self._autoquit()

    def _autoquit_after_shape(self):
        while self.runner.state != STATE_STOPPED:
            gevent.sleep(0.5)
        self._autoquit()

    def _autoquit(self):
        if self.options.autoquit == -1:
            logger.info("--autoquit not specified, leaving web ui running indefinitely")
            return
        logger.debug("Autoquit time limit set to %d seconds", self.options.autoquit)
        gevent.sleep(self.options.autoquit)
        logger.info("--autoquit time reached, shutting down")
        self.runner.quit()

    def _terminate(self, waiting):
        logger.info("Got SIGTERM signal")
        gevent.kill(waiting, KeyboardInterrupt)

    # ---- the end

    def _end_test(self):
        self.runner.stop()

    def _shut_down(self):
        environment, options = self.environment, self.options
        environment.events.quitting.fire(environment=environment, reverse=True)
        code = self._exit_code()
        logger.info("Shutting down (exit code %s)", code)
        if self.runner.state not in (STATE_INIT, STATE_STOPPED):
            self._end_test()
            # Users that were stopped may still have failed something.
            code = self._exit_code()
        self.runner.quit()
        seen = ""
        if self.watch:
            seen, crossed = self.watch.conclude(at_once=self._interrupted)
            if crossed and environment.process_exit_code is None:
                code = _watch.CROSSED
        if options.json_file:
            stats.save_stats_json(environment.stats, options.json_file)
        else:
            stats.print_stats(environment.stats, current=False)
            stats.print_percentile_stats(environment.stats)
            stats.print_error_report(environment.stats)
            if seen:
                _watch.console_logger.info("%s", seen)
        self._say_losses()
        if options.json:
            stats.print_stats_json(environment.stats)
        if options.html_file:
            html.process_html_filename(options)
            html.write_report(environment, options.html_file)
            logger.info("writing html report to file: %s", options.html_file)
        environment.events.quit.fire(exit_code=code)
        error = None
        if self.web_ui:
            error = self.web_ui.stop(code)
        if self.unseen:
            error = self.unseen.stop(code)
        if error:
            logger.error("the run was not kept in the history: %s", error)
        if self.options.csv_prefix:
            self.csv.close_files()
        return code

    def _say_losses(self):
        """Says which workers were lost; a run in one process has none."""

    def _exit_code(self):
        environment = self.environment
        if environment.process_exit_code is not None:
            return environment.process_exit_code
        if environment.stats.errors or self.runner.exceptions:
            return self.options.exit_code_on_error
        return 2 if log.unhandled_greenlet_exception else 0
