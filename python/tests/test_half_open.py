"""A thousand clients that connect to a master's port and go no further: workers get in, users run, memory stays."""

import resource
import socket
import unittest
from contextlib import ExitStack

from .support import Cluster, Target
from .test_nodes import GREETING, STEADY, all_spawned, requests

COUNT = 1_000


def resident(process):
    """Megabytes that a process holds."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        return int(next(line for line in status if line.startswith("VmRSS:")).split()[1]) >> 10


class HalfOpen(unittest.TestCase):
    def test_a_thousand_half_open_connections_keep_nobody_out(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < COUNT + 200:
            self.skipTest(f"only {hard} files may be open")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, COUNT + 200), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        with Target() as target, ExitStack() as clients:

            def crowd(cluster):
                all_spawned(cluster, 1, 2)
                before = resident(cluster.master)
                for number in range(COUNT):
                    client = clients.enter_context(socket.create_connection(("127.0.0.1", cluster.port)))
                    # Some say nothing, some begin a greeting, some end with it.
                    client.sendall((b"", GREETING[:10], GREETING)[number % 3])
                cluster.worker()
                cluster.until("2 workers connected")
                all_spawned(cluster, 2, 2)
                self.assertLess(resident(cluster.master) - before, 64)

            arguments = f"--headless --only-summary -u 2 -r 2 -H {target.url}"
            with Cluster(STEADY, arguments, workers=1, during=crowd) as cluster:
                self.assertEqual((cluster.code, cluster.worker_codes), (0, [0, 0]), cluster.stderr)
                self.assertNotIn("Traceback", cluster.stderr)
                self.assertLessEqual(len(target.asked) - 4, requests(cluster))


if __name__ == "__main__":
    unittest.main()
