# asserts: parser.add_argument, Environment.parsed_options, env_var of arguments
# run: --headless --only-summary -u 1 -t 20
# run given: --headless --only-summary -u 1 -t 20 --text hello --number 7 --flag --choice b --items x y --many m1 --many m2
# run environment: --headless --only-summary -u 1 -t 20
# env environment: MY_TEXT=from environment
# run wins: --headless --only-summary -u 1 -t 20 --text line
# env wins: MY_TEXT=from environment
# run configured: --headless --only-summary -u 1 -t 20 --config mine.conf
# file mine.conf: text = from file\nnumber = 9\nflag = true\nitems = [p, q]\nmany = [r, s]
# run bad: --headless --only-summary -u 1 -t 20 --choice z
# run abbreviated: --headless --only-summary -u 1 -t 20 --numb 3
# run badnumber: --headless --only-summary -u 1 -t 20 --number x
"""Arguments of a locustfile, from all places."""

from facts import fact, finish
from locust import User, events, task


@events.init_command_line_parser.add_listener
def add(parser, **_kwargs):
    parser.add_argument("--text", type=str, env_var="MY_TEXT", default="unset", help="a text", include_in_web_ui=True)
    parser.add_argument("--number", type=int, default=1, is_required=True)
    parser.add_argument("--flag", action="store_true", default=False)
    parser.add_argument("--choice", choices=["a", "b"], default="a")
    parser.add_argument("--items", nargs="*", default=[], is_multiple=True)
    parser.add_argument("--many", action="append")
    parser.add_argument("--secret", default="s", is_secret=True, include_in_web_ui=False)


class MyUser(User):
    @task
    def show(self):
        options = self.environment.parsed_options
        fact(
            "options",
            [getattr(options, name) for name in ("text", "number", "flag", "choice", "items", "many", "secret")],
        )
        finish(self)
