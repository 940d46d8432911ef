"""Waiting inside gevent: time-outs, kills, callbacks, threads, forks."""

import os
import threading
import time
import unittest

import gevent
import gevent.event
import gevent.pool

from locust import _core

from .support import Raw, Session, ok


def slow(seconds):
    """Answers after that time."""

    def answer(_request):
        gevent.sleep(seconds)
        return ok()

    return answer


class Greenlets(unittest.TestCase):
    def test_requests_of_one_session_run_at_the_same_time(self):
        with Raw(slow(0.1)) as server:
            session = Session(server.url)
            started = time.monotonic()
            pool = gevent.pool.Pool(10)
            responses = list(pool.imap_unordered(lambda n: session.get(f"/{n}").status_code, range(10)))
            self.assertLess(time.monotonic() - started, 0.9)
        self.assertEqual(responses, [200] * 10)

    def test_a_fast_session_sends_no_more_at_once_than_it_may(self):
        at_once, most = [0], [0]

        def answer(_request):
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
            gevent.sleep(0.02)
            at_once[0] -= 1
            return ok()

        with Raw(answer) as server:
            session = Session(server.url, fast=True, concurrency=2)
            greenlets = [gevent.spawn(session.get, "/") for _ in range(8)]
            gevent.sleep(0.01)
            # Killed while it waits for its turn: the others must not miss theirs.
            greenlets[3].kill()
            gevent.joinall(greenlets, timeout=5)
        self.assertEqual((most[0], len(server.requests), session.stats.num_requests), (2, 7, 7))

    def test_a_timeout_of_gevent_ends_a_request_and_its_connection(self):
        with Raw(slow(3)) as server:
            session = Session(server.url)
            with self.assertRaises(gevent.Timeout), gevent.Timeout(0.05):
                session.get("/")
            self.assertEqual(session.stats.num_requests, 0)
        with Raw(lambda request: ok()) as server:
            session.base_url = server.url
            self.assertEqual(session.get("/").status_code, 200)

    def test_a_greenlet_is_killed_in_the_middle_of_a_request(self):
        began, ended = gevent.event.Event(), []

        def answer(_request):
            began.set()
            gevent.sleep(3)

        with Raw(answer) as server:
            session = Session(server.url)

            def user():
                try:
                    session.get("/")
                finally:
                    ended.append(True)

            greenlet = gevent.spawn(user)
            self.assertTrue(began.wait(5))
            greenlet.kill(timeout=1)
            self.assertEqual((greenlet.dead, ended), (True, [True]))
        self.assertEqual(session.stats.num_requests, 0)

    def test_a_greenlet_is_killed_while_it_sleeps_for_us(self):
        greenlet = gevent.spawn(_core.sleep, 60)
        gevent.sleep(0)
        greenlet.kill(timeout=1)
        self.assertTrue(greenlet.dead)

    def test_a_switch_from_elsewhere_does_not_end_a_wait(self):
        done = []

        def sleeper():
            _core.sleep(0.1)
            done.append(time.monotonic())

        started = time.monotonic()
        greenlet = gevent.spawn(sleeper)
        gevent.sleep(0.01)
        gevent.get_hub().loop.run_callback(greenlet.switch)
        greenlet.join()
        self.assertGreaterEqual(done[0] - started, 0.1)

    def test_an_exception_of_a_user_reaches_its_own_greenlet(self):
        def user():
            _core.sleep(0.01)
            raise KeyError("mine")

        greenlet = gevent.spawn(user)
        greenlet.join()
        self.assertIsInstance(greenlet.exception, KeyError)

    def test_waiting_in_a_callback_of_the_loop_is_refused(self):
        result = gevent.event.AsyncResult()

        def callback():
            try:
                _core.sleep(0.01)
                result.set("slept")
            except RuntimeError as error:
                result.set(str(error))

        gevent.get_hub().loop.run_callback(callback)
        self.assertIn("gevent.spawn", result.get(timeout=5))

    def test_sleep_of_nothing_lets_the_others_run(self):
        order = []

        def user(name):
            for _ in range(2):
                order.append(name)
                _core.sleep(0)

        gevent.joinall([gevent.spawn(user, "a"), gevent.spawn(user, "b")])
        self.assertEqual(order, ["a", "b", "a", "b"])

    def test_sleeps_end_in_the_order_of_their_times(self):
        order = []

        def user(seconds):
            _core.sleep(seconds)
            order.append(seconds)

        gevent.joinall([gevent.spawn(user, seconds) for seconds in (0.09, 0.01, 0.05)])
        self.assertEqual(order, [0.01, 0.05, 0.09])

    def test_waits_are_counted(self):
        before = _core.switches()
        _core.sleep(0.001)
        self.assertEqual(_core.switches(), before + 1)

    def test_a_busy_loop_shows_as_lag(self):
        _core.watch_lag()
        _core.sleep(0.12)
        _core.lag()
        until = time.perf_counter() + 0.2
        while time.perf_counter() < until:
            pass
        _core.sleep(0.1)
        mean, most = _core.lag()
        self.assertGreater(most, 50)
        self.assertGreater(mean, 0)

    def test_our_loop_does_not_starve_gevents(self):
        ticks = []
        stop = gevent.event.Event()

        def busy():
            while not stop.is_set():
                _core.sleep(0)

        greenlets = [gevent.spawn(busy) for _ in range(20)]
        for _ in range(5):
            gevent.sleep(0.01)
            ticks.append(True)
        stop.set()
        gevent.joinall(greenlets, timeout=5)
        self.assertEqual(len(ticks), 5)


class Processes(unittest.TestCase):
    def test_a_native_thread_has_a_loop_of_its_own(self):
        from gevent.threadpool import ThreadPool

        with Raw(lambda request: ok()) as server:
            pool = ThreadPool(1)
            url = server.url
            status = pool.spawn(lambda: Session(url).get("/").status_code).get(timeout=10)
            pool.kill()
        self.assertEqual(status, 200)

    def test_a_forked_child_has_a_loop_of_its_own(self):
        with Raw(lambda request: ok()) as server:
            session = Session(server.url)
            self.assertEqual(session.get("/").status_code, 200)
            reader, writer = os.pipe()
            child = gevent.os.fork() if hasattr(gevent, "os") else os.fork()
            if child == 0:
                try:
                    os.write(writer, str(session.get("/child").status_code).encode())
                finally:
                    os._exit(0)
            os.close(writer)
            thread_result = gevent.get_hub().threadpool.apply(os.read, (reader, 10))
            os.close(reader)
            os.waitpid(child, 0)
            self.assertEqual(thread_result, b"200")
            self.assertEqual(session.get("/").status_code, 200)

    def test_locks_of_patched_threads_work_beside_requests(self):
        lock = threading.Lock()
        with Raw(slow(0.02)) as server:
            session = Session(server.url)

            def user():
                with lock:
                    session.get("/")

            gevent.joinall([gevent.spawn(user) for _ in range(4)])
        self.assertEqual(session.stats.num_requests, 4)

    def test_the_process_knows_what_it_uses(self):
        self.assertGreater(_core.cpu_seconds(), 0)
        self.assertGreater(_core.memory_bytes(), 1 << 20)
