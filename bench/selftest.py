#!/usr/bin/env python3
"""Tests of what the benchmarks compute and generate."""

import sys
import tempfile
import unittest
from pathlib import Path

from harness import measure, scenarios, servers


class Measure(unittest.TestCase):
    def test_percentiles_lie_between_neighbours(self):
        self.assertEqual(measure.percentile([3, 1, 2], 50), 2)
        self.assertAlmostEqual(measure.percentile([0, 10], 99), 9.9)
        self.assertEqual(measure.percentile([5], 99), 5)

    def test_the_cost_of_a_program_is_its_own(self):
        program = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass\nprint('done')"
        cost = measure.run([sys.executable, "-c", program])
        self.assertEqual((cost.exit, cost.output), (0, "done\n"))
        self.assertTrue(0.2 <= cost.cpu < 2, cost)
        self.assertGreater(cost.peak_mb, 1)

    def test_a_failing_program_says_so(self):
        self.assertEqual(measure.run([sys.executable, "-c", "raise SystemExit(3)"]).exit, 3)


class Generated(unittest.TestCase):
    def test_bundles_have_the_size_that_is_asked_for_and_are_used(self):
        for kind, use in ((scenarios.with_functions, "library.fn7("), (scenarios.with_classes, "registry.model0(")):
            with tempfile.TemporaryDirectory() as folder:
                script = kind(Path(folder), 70_000)
                size = len((Path(folder) / "library.js").read_text())
                self.assertTrue(69_000 <= size < 72_000, size)
                self.assertIn(use, script.read_text())

    def test_the_list_is_about_ten_kilobytes(self):
        self.assertTrue(9_000 < len(servers.big_json()) < 13_000, len(servers.big_json()))


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    failed = len(result.failures) + len(result.errors)
    print(f"harness: {result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
