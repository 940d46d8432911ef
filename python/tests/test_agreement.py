"""What the page of a master says in the end, number by number, with Locust 2.47's nodes and with ours in every mixture.

`$THRONG_REAL_LOCUST` is an interpreter that has it; `./x test python` sees to that.
"""

import unittest

from .support import Cluster, Target, until
from .test_interop import REAL, TEN

# What depends on how long an answer took or when it came. Of the request that a user made up itself all of it is known.
TIMED = (
    "avg_response_time",
    "current_fail_per_sec",
    "current_rps",
    "max_response_time",
    "median_response_time",
    "min_response_time",
    "total_fail_per_sec",
    "total_rps",
)


def settled(stats):
    """Statistics of `/stats/requests` without what passes."""
    rows = []
    for row in stats["stats"]:
        row = dict(row)
        if row["name"] != "own":
            for name in [*TIMED, *(key for key in row if key.startswith("response_time_percentile"))]:
                row.pop(name, None)
        for name in ("current_rps", "current_fail_per_sec", "total_rps", "total_fail_per_sec"):
            row.pop(name, None)
        rows.append(row)
    errors = sorted(stats["errors"], key=lambda error: (error["method"], error["name"]))
    for error in errors:
        # Locust's page has no other order than that of arrival.
        error.pop("first_seen", None)
        error.pop("last_seen", None)
    return {
        "stats": rows,
        "errors": errors,
        "fail_ratio": stats["fail_ratio"],
        "state": stats["state"],
        "user_count": stats["user_count"],
        "workers": sorted((worker["state"], worker["user_count"]) for worker in stats["workers"]),
    }


@unittest.skipUnless(REAL, "THRONG_REAL_LOCUST names no interpreter with Locust")
class Agreement(unittest.TestCase):
    maxDiff = None

    def test_the_page_says_the_same_whoever_is_master_and_worker(self):
        seen, keys = {}, {}
        mixtures = ((REAL, (REAL, REAL)), (REAL, (None, None)), (REAL, (REAL, None)), (None, (REAL, None)), (None, (None, None)))
        for master, workers in mixtures:
            with Target() as target:

                def look(cluster, target=target, who=(master, workers)):
                    cluster.until("2 workers connected")
                    cluster.post("/swarm", user_count=5, spawn_rate=5, host=target.url)
                    # Fixed by the locustfile: 41 requests, and one that a user made up.
                    until(lambda: cluster.get("/stats/requests")["stats"][-1]["num_requests"] == 42)
                    stats = cluster.get("/stats/requests")
                    until(lambda: cluster.get("/stats/requests")["state"] == "running")
                    stats = cluster.get("/stats/requests")
                    seen[who], keys[who] = settled(stats), [list(row) for row in stats["stats"]]

                with Cluster(TEN, "", workers=workers, master=master, during=look) as cluster:
                    self.assertEqual(cluster.worker_codes, [0, 0])
        (first, *others), (names, *other_names) = seen.items(), keys.values()
        self.assertEqual([row["num_requests"] for row in first[1]["stats"]], [8, 32, 1, 1, 42])
        for who, other in others:
            self.assertEqual(other, first[1], who)
        for other in other_names:
            self.assertEqual(other, names)


if __name__ == "__main__":
    unittest.main()
