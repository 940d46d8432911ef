"""Options: names, sources and their precedence, abbreviations, refusals."""

import contextlib
import io
import os
import tempfile
import unittest
from unittest import mock

import locust
from locust import argument_parser
from locust._config_files import _toml_section, bracketed
from locust._options import SECTIONS


def parse(arguments="", env=None, files=None):
    """The options, in a folder with these files and nothing else of this machine."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (files or {}).items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        before = os.getcwd()
        os.chdir(folder)
        try:
            with mock.patch.dict(os.environ, {"HOME": folder, **(env or {})}, clear=True):
                return argument_parser.parse_options(arguments.split())
        finally:
            os.chdir(before)


class Refusal:
    """What parsing that fails says, and its exit code."""

    def __init__(self, *arguments, **settings):
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            try:
                parse(*arguments, **settings)
                self.code = None
            except SystemExit as ending:
                self.code = ending.code
        self.text = said.getvalue()


class Table(unittest.TestCase):
    def test_every_option_of_locust_is_known_with_its_variable_and_default(self):
        parser = argument_parser.get_parser(default_config_files=())
        known = {action.dest: action for action in parser._actions}
        for dest, variable, default in (
            ("locustfile", "LOCUST_LOCUSTFILE", "locustfile.py"),
            ("host", "LOCUST_HOST", None),
            ("num_users", "LOCUST_USERS", None),
            ("spawn_rate", "LOCUST_SPAWN_RATE", None),
            ("run_time", "LOCUST_RUN_TIME", None),
            ("config_users", "LOCUST_CONFIG_USERS", None),
            ("web_host", "LOCUST_WEB_HOST", ""),
            ("web_port", "LOCUST_WEB_PORT", 8089),
            ("headless", "LOCUST_HEADLESS", False),
            ("autostart", "LOCUST_AUTOSTART", False),
            ("autoquit", "LOCUST_AUTOQUIT", -1),
            ("web_login", "LOCUST_WEB_LOGIN", False),
            ("tls_cert", "LOCUST_TLS_CERT", ""),
            ("class_picker", "LOCUST_USERCLASS_PICKER", False),
            ("master", "LOCUST_MODE_MASTER", False),
            ("master_bind_port", "LOCUST_MASTER_BIND_PORT", 5557),
            ("expect_workers", "LOCUST_EXPECT_WORKERS", 1),
            ("worker", "LOCUST_MODE_WORKER", False),
            ("processes", "LOCUST_PROCESSES", None),
            ("master_host", "LOCUST_MASTER_NODE_HOST", "127.0.0.1"),
            ("tags", "LOCUST_TAGS", None),
            ("exclude_tags", "LOCUST_EXCLUDE_TAGS", None),
            ("csv_prefix", "LOCUST_CSV", None),
            ("stats_history_enabled", "LOCUST_CSV_FULL_HISTORY", False),
            ("print_stats", "LOCUST_PRINT_STATS", False),
            ("only_summary", "LOCUST_ONLY_SUMMARY", False),
            ("reset_stats", "LOCUST_RESET_STATS", False),
            ("html_file", "LOCUST_HTML", None),
            ("json", None, False),
            ("json_file", None, None),
            ("skip_log_setup", "LOCUST_SKIP_LOG_SETUP", False),
            ("loglevel", "LOCUST_LOGLEVEL", "INFO"),
            ("logfile", "LOCUST_LOGFILE", None),
            ("exit_code_on_error", "LOCUST_EXIT_CODE_ON_ERROR", 1),
            ("stop_timeout", "LOCUST_STOP_TIMEOUT", "0"),
            ("otel", "LOCUST_ENABLE_OPENTELEMETRY", False),
            ("user_classes", "LOCUST_USER_CLASSES", None),
        ):
            action = known[dest]
            # An old name that shares the attribute may come later in the list; the table has one of each.
            self.assertEqual(getattr(action, "env_var", None) or self.variable(dest), variable, dest)
            if action.default != "==SUPPRESS==" and dest != "user_classes":
                self.assertEqual(action.default, default, dest)

    @staticmethod
    def variable(dest):
        for options in SECTIONS.values():
            for option in options:
                name = option.settings.get("dest") or max(option.flags, key=len).lstrip("-").replace("-", "_")
                if name == dest and option.env:
                    return option.env
        return None

    def test_defaults_ignore_environment_and_files(self):
        with mock.patch.dict(os.environ, {"LOCUST_USERS": "5"}):
            self.assertIsNone(argument_parser.default_args_dict()["num_users"])


class Precedence(unittest.TestCase):
    FILES = {
        ".locust.conf": "users = 1\nspawn-rate = 1\nhost = http://home\nloglevel = DEBUG\ncsv = home\n",
        "locust.conf": "users = 2\nspawn-rate = 2\nhost = http://conf\nloglevel = ERROR\n",
        "pyproject.toml": "[tool.locust]\nusers = 3\nspawn-rate = 3\nhost = 'http://toml'\n",
        "asked.conf": "users = 4\nspawn-rate = 4\n",
    }

    def test_line_over_environment_over_asked_over_toml_over_conf_over_home(self):
        options = parse(
            "--config asked.conf --users 6", env={"LOCUST_USERS": "5", "LOCUST_SPAWN_RATE": "5"}, files=self.FILES
        )
        self.assertEqual((options.num_users, options.spawn_rate), (6, 5.0))
        self.assertEqual((options.host, options.loglevel, options.csv_prefix), ("http://toml", "ERROR", "home"))
        self.assertEqual(parse("--config asked.conf", files=self.FILES).num_users, 4)

    def test_user_classes_come_from_the_environment(self):
        self.assertEqual(parse(env={"LOCUST_USER_CLASSES": "A B"}).user_classes, ["A", "B"])
        self.assertEqual(parse("C", env={"LOCUST_USER_CLASSES": "A B"}).user_classes, ["C"])

    def test_headful_cancels_headless(self):
        self.assertFalse(parse("--headful", files={"locust.conf": "headless = true"}).headless)


class Files(unittest.TestCase):
    def test_forms_of_lines(self):
        text = "# comment\n; too\nusers: 3\nhost http://x  # trailing\nheadless\ntags = [a, 'b c']\nrun-time = \"1h\"\n"
        options = parse(files={"locust.conf": text})
        self.assertEqual(
            (options.num_users, options.host, options.headless, options.tags, options.run_time),
            (3, "http://x", True, ["a", "b c"], 3600),
        )

    def test_a_list_in_a_variable_needs_brackets(self):
        self.assertEqual(parse(env={"LOCUST_TAGS": "[a, b]"}).tags, ["a", "b"])
        self.assertEqual(parse(env={"LOCUST_TAGS": "a b"}).tags, ["a b"])

    def test_an_unknown_key_is_an_error(self):
        refused = Refusal("", files={"locust.conf": "spawn_rate = 3"})
        self.assertEqual(refused.code, 2)
        self.assertIn("unrecognized arguments: --spawn_rate=3", refused.text)

    def test_a_wrong_value_names_its_source(self):
        refused = Refusal("", env={"LOCUST_USERS": "many"})
        self.assertEqual(refused.code, 2)
        self.assertIn("LOCUST_USERS", refused.text)

    def test_a_config_file_that_is_missing_is_an_error(self):
        self.assertEqual(Refusal("--config nope.conf").code, 2)

    def test_the_reader_for_python_3_10_agrees_with_tomllib(self):
        text = '[project]\nname = "x"\n[tool.locust]\nusers = 4\nheadless = true\ntags = ["t1", "t2"] # why\nhost = "http://a#b"\n[tool.x]\nusers = 9\n'
        self.assertEqual(
            _toml_section(text, "pyproject.toml"),
            {"users": "4", "headless": "true", "tags": ["t1", "t2"], "host": "http://a#b"},
        )

    def test_brackets(self):
        self.assertEqual(bracketed("[a, b]"), ["a", "b"])
        self.assertEqual(bracketed("a, b"), "a, b")
        self.assertEqual(bracketed("[]"), [])


class Refusals(unittest.TestCase):
    def test_what_throng_does_not_have_is_refused_by_name(self):
        for line in ("--otel", "--build-path x"):
            refused = Refusal(line)
            self.assertEqual(refused.code, 2, line)
            self.assertIn("is not supported by throng yet", refused.text)
            self.assertIn(line.split()[0], refused.text)

    def test_a_misspelt_option_gets_a_suggestion(self):
        refused = Refusal("--spawn-rat-e 1")
        self.assertEqual(refused.code, 2)
        self.assertIn("unrecognized arguments: --spawn-rat-e", refused.text)
        self.assertIn("Did you mean '--spawn-rate'?", refused.text)

    def test_abbreviations_are_understood(self):
        self.assertTrue(parse("--headles").headless)

    def test_values_are_checked(self):
        for line in ("-u x", "-r 0", "-r inf", "-t 1.5h", "-s 1x", "-L LOUD", "--expect-workers 0"):
            self.assertEqual(Refusal(line).code, 2, line)


class Custom(unittest.TestCase):
    def setUp(self):
        def add(parser, **_kwargs):
            parser.add_argument("--my-text", env_var="MY_TEXT", default="x", help="a text")
            parser.add_argument("--my-secret", is_secret=True, default="s")
            parser.add_argument("--my-hidden", include_in_web_ui=False, default=1)
            parser.add_argument("--my-choice", choices=["a", "b"], default="a", is_required=True)
            parser.add_argument("--my-list", is_multiple=True, choices=["a", "b"], default=["a"], nargs="*")

        self.add = locust.events.init_command_line_parser.add_listener(add)
        self.addCleanup(locust.events.init_command_line_parser.remove_listener, add)

    def test_a_locustfiles_arguments_come_from_everywhere(self):
        self.assertEqual(parse().my_text, "x")
        self.assertEqual(parse(env={"MY_TEXT": "env"}).my_text, "env")
        self.assertEqual(parse("--my-text line", env={"MY_TEXT": "env"}).my_text, "line")
        self.assertEqual(parse(files={"locust.conf": "my-text = file"}).my_text, "file")

    def test_the_web_form_knows_them(self):
        with mock.patch.dict(os.environ, {}, clear=True):
            shown = argument_parser.ui_extra_args_dict([])
        self.assertEqual(sorted(shown), ["my_choice", "my_list", "my_secret", "my_text"])
        self.assertTrue(shown["my_secret"]["is_secret"])
        self.assertEqual(shown["my_choice"]["choices"], ["a", "b"])
        self.assertTrue(shown["my_choice"]["is_required"])
        self.assertTrue(shown["my_list"]["is_multiple"])


if __name__ == "__main__":
    unittest.main()
