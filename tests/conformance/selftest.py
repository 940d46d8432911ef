#!/usr/bin/env python3
"""Tests of the harness itself: a comparison that cannot fail would prove nothing."""

import sys
import tempfile
import unittest
from pathlib import Path

from harness import coverage, facts, script
from harness.engine import Raw

HERE = Path(__file__).resolve().parent


def parse(text: str) -> script.Script:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.js")
        path.write_text(text)
        return script.load(path)


def raw(**changes) -> Raw:
    return Raw(**({"exit": 0, "stdout": "", "stderr": "", "samples": [], "summary": None, "files": {}} | changes))


def point(metric: str, value: float, **tags: str) -> dict:
    return {"type": "Point", "metric": metric, "data": {"time": "t", "value": value, "tags": tags}}


def metric(name: str, kind: str = "counter") -> dict:
    return {"type": "Metric", "metric": name, "data": {"name": name, "type": kind, "contains": "default"}}


class Header(unittest.TestCase):
    def test_a_header_names_runs_their_arguments_and_variables(self):
        parsed = parse(
            "// About\n// it.\n// @functions k6.check\n// @run one --vus 2\n// @run two\n"
            '// @env two OPTIONS={"a": [1, 2]}\n// @env * BOTH=x\n// @signal one INT go\ncode();\n// @run three\n'
        )
        self.assertEqual(parsed.about, "About it.")
        self.assertEqual(list(parsed.runs), ["one", "two"])
        self.assertEqual(parsed.runs["one"].arguments, ["--vus", "2"])
        self.assertEqual(parsed.runs["one"].signals, [("INT", "go")])
        self.assertEqual(parsed.runs["two"].env, {"OPTIONS": '{"a": [1, 2]}', "BOTH": "x"})

    def test_without_a_run_there_is_one(self):
        self.assertEqual(list(parse("// About\n").runs), ["default"])
        self.assertEqual(parse("// @env * A=1\n").runs["default"].env, {"A": "1"})

    def test_an_unknown_directive_is_refused_with_its_place(self):
        with self.assertRaisesRegex(script.HeaderError, "sample.js:2"):
            parse("// About\n// @colour red\n")


class Facts(unittest.TestCase):
    def reduced(self, header: str = "", **changes) -> dict:
        return facts.reduce(parse(f"// About\n{header}"), "run", raw(**changes))

    def test_samples_are_counted_by_tags_and_summed_unless_measured(self):
        samples = [metric("mine"), point("mine", 2, a="1"), point("mine", 3, a="1"), point("mine", -1, a="2")]
        samples += [metric("http_reqs"), point("http_reqs", 1, url="u"), point("http_reqs", 1, url="u")]
        samples += [metric("http_req_waiting", "trend"), point("http_req_waiting", 0.7, url="u")]
        reduced = self.reduced(samples=samples)["metrics"]
        self.assertEqual(reduced["mine"]["tags"], {"a=1": 2, "a=2": 1})
        self.assertEqual((reduced["mine"]["sum"], reduced["mine"]["min"], reduced["mine"]["max"]), (4, -1, 3))
        self.assertEqual(reduced["http_reqs"]["sum"], 2)
        self.assertNotIn("sum", reduced["http_req_waiting"])

    def test_values_of_the_clock_are_left_out_when_the_script_says_so(self):
        samples = [metric("took", "trend"), point("took", 12.3)]
        self.assertIn("sum", self.reduced(samples=samples)["metrics"]["took"])
        self.assertNotIn("sum", self.reduced("// @timed took\n", samples=samples)["metrics"]["took"])

    def test_the_console_is_kept_and_the_engine_only_counted(self):
        stderr = (
            '{"level":"info","msg":"b","source":"console","time":"t"}\n'
            '{"level":"error","msg":"words of the engine","executor":"x","time":"t"}\n'
            '{"level":"warning","msg":"a warning","time":"t"}\n'
            '{"level":"info","msg":"a","source":"console","time":"t"}\n'
            'time="t" level=error msg="before the format is known"\n'
        )
        reduced = self.reduced(stderr=stderr)
        self.assertEqual(reduced["console"], ["info: b", "info: a"])
        self.assertEqual(reduced["errors"], 2)
        self.assertEqual(self.reduced("// @order any\n", stderr=stderr)["console"], ["info: a", "info: b"])

    def test_numbers_and_widths_of_a_summary_are_masked(self):
        first = facts.mask_numbers("    iterations.......: 12     3.4/s\n    t..: avg=1.2ms  p(95)=3m2s")
        second = facts.mask_numbers("    iterations.....: 4   10.25/s\n    t..: avg=120µs p(95)=44.1s")
        self.assertEqual(first, second)
        self.assertNotEqual(first, facts.mask_numbers("    iteration.....: 4   10.25/s\n    t..: avg=1s p(95)=4s"))


class Difference(unittest.TestCase):
    def test_every_kind_of_difference_is_seen(self):
        base = {"exit": 0, "console": ["a"], "metrics": {"m": {"count": 3, "tags": {"x": 3}}}, "flag": True}
        self.assertEqual(facts.difference(base, base, 0), [])
        for change in (
            {"exit": 1},
            {"console": ["b"]},
            {"console": ["a", "b"]},
            {"console": []},
            {"metrics": {}},
            {"metrics": {"m": {"count": 4, "tags": {"x": 3}}}},
            {"metrics": {"m": {"count": 3, "tags": {"x": 3, "y": 1}}}},
            {"flag": 1},
            {"more": None},
        ):
            self.assertNotEqual(facts.difference(base, base | change, 0), [], change)

    def test_near_forgives_counts_and_nothing_else(self):
        base = {"exit": 1, "metrics": {"m": {"count": 3, "tags": {"x": 3}}}}
        near = {"exit": 1, "metrics": {"m": {"count": 4, "tags": {"x": 3, "y": 1}}}}
        self.assertEqual(facts.difference(base, near, 1), [])
        self.assertNotEqual(facts.difference(base, near, 0), [])
        self.assertNotEqual(facts.difference(base, near | {"exit": 2}, 1), [])


    def test_what_differs_on_purpose_is_left_out_until_it_no_longer_differs(self):
        lines = ["/one/exit: expected 1, got 2", "/two/exit: expected 1, got 2"]
        self.assertEqual(facts.unexplained(lines, {"/one/": "why"}), ["/two/exit: expected 1, got 2"])
        self.assertEqual(len(facts.unexplained(lines[:1], {"/one/": "why", "/three/": "why"})), 1)


class Coverage(unittest.TestCase):
    NAMES = {"functions": ["k6.check"], "options": ["vus"], "executors": ["constant-vus"], "without_script": ["ext"]}

    def test_a_name_without_a_script_is_found(self):
        covering = "// @functions k6.check\n// @options vus\n// @executors constant-vus\n// @run a --vus 1\ncheck('constant-vus')\n"
        self.assertEqual(coverage_of(self.NAMES, covering), [])
        self.assertEqual(
            coverage_of(self.NAMES, covering.replace("// @options vus\n", "")), ["options: no script asserts vus"]
        )

    def test_a_claim_without_a_mention_and_an_unknown_name_are_found(self):
        found = coverage_of(self.NAMES, "// @functions k6.check k6.other\n// @options vus\n// @executors constant-vus\n")
        self.assertIn("functions: k6.other is asserted but not in coverage.toml", found)
        self.assertIn("sample.js: claims k6.check and never mentions it", found)

    def test_an_export_that_the_inventory_does_not_know_is_found(self):
        surface = '{"modules": {"k6": ["check", "brandNew"]}, "options": ["vus", "ext", "colour"]}'
        self.assertEqual(
            coverage.surface_problems(self.NAMES, surface),
            [
                "functions: k6.brandNew is exported but not in coverage.toml",
                "options: colour is known but not in coverage.toml",
            ],
        )

    def test_the_scripts_of_the_repository_cover_the_inventory(self):
        names = coverage.inventory(HERE / "coverage.toml")
        self.assertEqual(coverage.problems(names, script.load_all(HERE / "k6")), [])

    def test_every_script_says_what_it_is_about_and_has_its_answers(self):
        for loaded in script.load_all(HERE / "k6"):
            self.assertTrue(loaded.about, loaded.path)
            self.assertTrue(loaded.facts_path.exists(), loaded.facts_path)


def coverage_of(names: dict, text: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sample.js")
        path.write_text(text)
        return coverage.problems(names, [script.load(path)])


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    failed = len(result.failures) + len(result.errors)
    print(f"harness: {result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
