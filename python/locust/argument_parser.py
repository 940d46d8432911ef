"""Reads the options: command line, environment variables, configuration files.

The command line wins over the environment, the environment over `--config`, that over `./pyproject.toml`,
`./locust.conf` and `~/.locust.conf`, in this order. Locustfiles add arguments of their own to the parser, which may
then be set in all these places too.
"""

import argparse
import difflib
import os
import sys
from typing import NamedTuple

from . import _config_files, _options
from ._names import elsewhere
from ._version import version
from .util.timespan import parse_timespan  # noqa: F401  # locustfiles import it from here

DEFAULT_CONFIG_FILES = ("~/.locust.conf", "locust.conf", "pyproject.toml")

timespan = _options.timespan
positive_integer = _options.positive_integer
json_user_config = _options.user_settings


class UIExtraArgOptions(NamedTuple):
    """What the web form needs to know of an argument that a locustfile added."""

    default_value: str
    is_secret: bool
    is_required: bool
    help_text: str
    is_multiple: bool
    choices: "list[str] | None" = None


class LocustArgumentParser(argparse.ArgumentParser):
    """argparse's parser with environment variables, configuration files, and hints for the web form."""

    def __init__(self, *args, default_config_files=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.default_config_files = default_config_files
        self._config_action = None

    def add_argument(self, *args, **kwargs):
        """Like argparse's, and further `env_var`, `include_in_web_ui`, `is_secret`, `is_required`, `is_multiple`."""
        return _add_argument(super().add_argument, args, kwargs)

    def add_argument_group(self, *args, **kwargs):
        group = super().add_argument_group(*args, **kwargs)
        plain = group.add_argument
        group.add_argument = lambda *names, **settings: _add_argument(plain, names, settings)
        return group

    def error(self, message):
        unrecognised = "unrecognized arguments:"
        text = f"{_options.program_name()}: error: {message}\n"
        if unrecognised in message:
            given = message.split(unrecognised, 1)[1].split()
            known = [flag for action in self._actions for flag in action.option_strings]
            close = difflib.get_close_matches(given[0].split("=")[0], known, n=1) if given else []
            if close:
                text += f"Did you mean '{close[0]}'?\n"
        self.exit(2, text)

    def parse_known_args(self, args=None, namespace=None):
        """Parses the arguments over what environment and files say."""
        args = sys.argv[1:] if args is None else list(args)
        namespace = argparse.Namespace() if namespace is None else namespace
        unknown = self._preset(args, namespace)
        # argparse sets what is not given on the command line to its default, and complains if it is required.
        preset = [action for action in self._actions if hasattr(namespace, action.dest)]
        before = [(action, action.required, action.default) for action in preset]
        for action in preset:
            action.required = False
            if not action.option_strings:
                action.default = getattr(namespace, action.dest)
        try:
            namespace, rest = super().parse_known_args(args, namespace)
        finally:
            for action, required, default in before:
                action.required, action.default = required, default
        return namespace, unknown + rest

    def _preset(self, args, namespace):
        """Sets what files and environment say as if it were the default; returns what no option is called."""
        by_key = {}
        for action in self._actions:
            for flag in action.option_strings:
                by_key[flag.lstrip("-")] = action
        unknown = []
        for path, values in _config_files.read(self._config_paths(args), self.error):
            for key, value in values.items():
                action = by_key.get(key)
                if action is None:
                    unknown.append(f"--{key}={value}")
                else:
                    self._set(action, value, namespace, path)
        for action in self._actions:
            name = getattr(action, "env_var", None)
            if name and os.environ.get(name) is not None:
                self._set(action, _config_files.bracketed(os.environ[name]), namespace, name)
        return unknown

    def _config_paths(self, args):
        """The configuration files that exist, the weakest first, and the one that was asked for."""
        paths = [os.path.expanduser(path) for path in self.default_config_files]
        paths = [path for path in paths if os.path.isfile(path)]
        if any("--config" in action.option_strings for action in self._actions):
            asked = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
            asked.add_argument("--config")
            given = asked.parse_known_args(args)[0].config
            if given:
                if not os.path.isfile(given):
                    self.error(f"Unable to open config file: {given}")
                paths.append(given)
        return paths

    def _set(self, action, value, namespace, source):
        """Sets one option from its text (or list, or TOML value), as the command line would."""
        if action.nargs == 0:
            on = str(value).lower()
            if on in ("true", "yes", "1", "on"):
                action(self, namespace, [], action.option_strings[0])
            elif on in ("false", "no", "0", "off", ""):
                namespace.__dict__.setdefault(action.dest, action.default)
            else:
                self.error(
                    f"unexpected value for {action.option_strings[0]} in {source}: {value!r}; it is a flag: true or false"
                )
            return
        texts = [str(item) for item in value] if isinstance(value, list) else [str(value)]
        if not action.option_strings and not isinstance(value, list):
            # The names of user classes, with spaces between.
            texts = str(value).split()
        several = action.nargs in ("*", "+") or isinstance(action.nargs, int)
        if len(texts) != 1 and not several and not isinstance(action, argparse._AppendAction):
            self.error(f"{action.option_strings[0]} takes one value, not the list in {source}")
        if isinstance(action, argparse._AppendAction):
            setattr(namespace, action.dest, [self._get_value(action, text) for text in texts])
            return
        # The parser's own conversion, so that types, choices and messages are the same everywhere.
        try:
            converted = self._get_values(action, texts)
        except argparse.ArgumentError as error:
            self.error(f"{error} (from {source})")
        action(self, namespace, converted, action.option_strings[0] if action.option_strings else None)

    # ---- what the web form shows

    def _web_actions(self):
        return {action.dest: action for action in self._actions if getattr(action, "include_in_web_ui", False)}

    @property
    def args_included_in_web_ui(self):
        """Arguments that the web form shows, by name."""
        return self._web_actions()

    @property
    def secret_args_included_in_web_ui(self):
        """Those that are shown as passwords."""
        return {name: action for name, action in self._web_actions().items() if action.is_secret}

    @property
    def required_args_included_in_web_ui(self):
        """Those that must be filled in."""
        return {name: action for name, action in self._web_actions().items() if action.is_required}

    @property
    def multiple_args_included_in_web_ui(self):
        """Those that take several values."""
        return {name: action for name, action in self._web_actions().items() if action.is_multiple}


def _add_argument(plain, names, settings):
    env_var = settings.pop("env_var", None)
    hints = {
        "include_in_web_ui": settings.pop("include_in_web_ui", True),
        "is_secret": settings.pop("is_secret", False),
        "is_required": settings.pop("is_required", False),
        "is_multiple": settings.pop("is_multiple", False),
    }
    if env_var and settings.get("help") not in (None, argparse.SUPPRESS):
        settings["help"] = f"{settings['help']} [env var: {env_var}]"
    action = plain(*names, **settings)
    action.env_var = env_var
    for name, value in hints.items():
        setattr(action, name, value)
    return action


def get_empty_argument_parser(add_help=True, default_config_files=DEFAULT_CONFIG_FILES):
    """A parser that knows only where the test is."""
    parser = LocustArgumentParser(
        prog=_options.program_name(),
        default_config_files=default_config_files,
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=argparse.SUPPRESS,
        description=f"Usage: {_options.program_name()} [options] [UserClass ...]\n ",
    )
    for option in _options.SECTIONS["Common options"][:2]:
        _add(parser, option)
    if add_help:
        parser.add_argument(
            "-h", "--help", action="help", help="show this help message and exit", include_in_web_ui=False
        )
    return parser


def get_parser(default_config_files=DEFAULT_CONFIG_FILES):
    """The parser of all options; `init_command_line_parser` listeners add theirs to it."""
    parser = get_empty_argument_parser(add_help=False, default_config_files=default_config_files)
    setup_parser_arguments(parser)
    from . import events

    events.init_command_line_parser.fire(parser=parser)
    return parser


def setup_parser_arguments(parser):
    """Adds all options to a parser that knows only where the test is."""
    parser._optionals.title = "Common options"
    parser.add_argument("-h", "--help", action="help", help="show this help message and exit", include_in_web_ui=False)
    for title, options in _options.SECTIONS.items():
        if title == "Common options":
            for option in options[2:]:
                _add(parser, option)
            continue
        group = parser.add_argument_group(title)
        for option in options:
            _add(group, option)
    other = parser.add_argument_group("Program")
    other.add_argument(
        "--version",
        "-V",
        action="version",
        version=f"locust {version} (throng) from {os.path.dirname(os.path.abspath(__file__))} "
        f"(Python {sys.version.split()[0]})",
        help="Show the version and exit",
        include_in_web_ui=False,
    )
    classes = parser.add_argument_group("User classes")
    classes.add_argument(
        "user_classes",
        nargs="*",
        metavar="<UserClass1 UserClass2>",
        env_var="LOCUST_USER_CLASSES",
        include_in_web_ui=False,
        help="The user classes to run. Default: all",
    )


def _add(parser, option):
    settings = dict(option.settings)
    if option.env:
        settings["env_var"] = option.env
    parser.add_argument(*option.flags, help=option.help, include_in_web_ui=False, **settings)


def parse_locustfile_option(args=None):
    """Reads only where the test is; the locustfile may add options, so the others come later.

    A worker may have to ask its master for the test: whether it is one, and where the master is, belongs to it.
    """
    parser = get_empty_argument_parser(add_help=False)
    for option in _options.WHERE_THE_MASTER_IS:
        _add(parser, option)
    # What is asked for without a test must work without one.
    parser.add_argument("-h", "--help", action="store_true", default=False)
    parser.add_argument("--version", "-V", action="store_true", default=False)
    # Options that take values: an abbreviation or value of theirs must not be mistaken for -f's.
    options, rest = parser.parse_known_args(args)
    return options, rest


def parse_options(args=None):
    """All options. Raises SystemExit with 2 for one that is wrong."""
    parser = get_parser()
    options = parser.parse_args(args)
    if options.stats_history_enabled and options.csv_prefix is None:
        parser.error("'--csv-full-history' requires '--csv'.")
    if options.headful:
        options.headless = False
    _refuse_unsupported(parser, options)
    return options


def _refuse_unsupported(parser, options):
    defaults = default_args_dict()
    for option in _options.REFUSED:
        dest = option.settings.get("dest") or option.flags[-1 if option.flags[-1].startswith("--") else 0].lstrip(
            "-"
        ).replace("-", "_")
        if getattr(options, dest, None) not in (None, False, defaults.get(dest)):
            parser.error(f"{option.refused} is not supported by throng yet")


def default_args_dict():
    """The defaults of all options, by name; nothing of the environment or of files."""
    parser = get_empty_argument_parser(default_config_files=())
    parser = LocustArgumentParser(add_help=False)
    for option in _options.SECTIONS["Common options"][:2]:
        _add(parser, option)
    setup_parser_arguments(parser)
    for action in parser._actions:
        action.env_var = None
    return vars(parser.parse_args([]))


def ui_extra_args_dict(args=None):
    """The arguments that a locustfile added, as the web form needs them."""
    parser = get_parser()
    ours = default_args_dict()
    options = vars(parser.parse_args(args))
    return {
        name: UIExtraArgOptions(
            default_value=options.get(name),
            is_secret=action.is_secret,
            is_required=action.is_required,
            help_text=action.help,
            is_multiple=action.is_multiple,
            choices=action.choices,
        )._asdict()
        for name, action in parser.args_included_in_web_ui.items()
        if name not in ours and name in options
    }


def __getattr__(name):
    """What Locust's module has from others."""
    return elsewhere(__name__, name)
