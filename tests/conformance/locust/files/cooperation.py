# asserts: gevent, time.sleep, gevent.Timeout, gevent.pool, threading
# run: --headless --only-summary -u 4 -r 4 -t 30
# unordered: user
# alone: its users wait for each other in one process
"""Code that blocks suspends one user; greenlets, pools, time-outs and threads of a task work."""

import queue
import subprocess
import threading
import time

import gevent
from facts import fact
from gevent.pool import Pool
from locust import HttpUser, constant, events, task

began = time.monotonic()
done = []


class MyUser(HttpUser):
    wait_time = constant(100)

    @task
    def everything(self):
        time.sleep(0.5)
        parallel = time.monotonic()
        pool = Pool(5)
        for _ in range(5):
            pool.spawn(self.client.get, "/slow/300", name="pool")
        pool.join()
        parallel = time.monotonic() - parallel
        try:
            with gevent.Timeout(0.2):
                self.client.get("/slow/5000", name="timed out")
        except gevent.Timeout:
            timed_out = True
        after = self.client.get("/hello").status_code
        spawned = gevent.spawn(self.client.get, "/hello", name="spawned")
        spawned.join()
        waiting = queue.Queue()
        threading.Thread(
            target=lambda: (time.sleep(0.1), waiting.put(self.client.get("/hello", name="thread").status_code))
        ).start()
        output = subprocess.run(["echo", "hello"], stdout=subprocess.PIPE).stdout.decode()
        fact("user", [parallel < 1.2, timed_out, after, spawned.value.status_code, waiting.get(), output])
        done.append(1)
        if len(done) == 4:
            fact("all together", time.monotonic() - began < 10)
            self.environment.runner.quit()


@events.test_start.add_listener
def start(**_kwargs):
    global began
    began = time.monotonic()
