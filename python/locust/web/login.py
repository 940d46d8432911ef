"""Who may use the web interface.

With credentials in the environment the server keeps everyone else out, and no code is needed. Without them `--web-login`
is Locust's own mechanism: the locustfile brings Flask-Login's user loader, routes, and `auth_args` for the form.
"""

import html
import logging
import os

from .._unsupported import refuse

logger = logging.getLogger("locust.web")

USER, PASSWORD, TOKEN = "THRONG_WEB_USER", "THRONG_WEB_PASSWORD", "THRONG_WEB_TOKEN"

# What the form needs: our style sheet, the icons of providers, and a place to send it to.
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data: https:; base-uri 'none'; frame-ancestors 'none'"


def credentials(environ=os.environ):
    """`(user, password, token)`, what of them is set; None if there is neither a password nor a token."""
    user = environ.get(USER) or None
    password, token = _secret(environ, PASSWORD), _secret(environ, TOKEN)
    if password is None and token is None:
        return None
    if password is not None and user is None:
        raise ValueError(f"{PASSWORD} needs {USER}, the name that goes with it")
    return user if password is not None else None, password, token


def _secret(environ, name):
    file = f"{name}_FILE"
    if environ.get(name) and environ.get(file):
        raise ValueError(f"{name} and {file} say the same: set one of them")
    if environ.get(file):
        try:
            with open(environ[file], encoding="utf-8") as secret:
                return secret.read().rstrip("\r\n")
        except OSError as error:
            raise ValueError(f"cannot read {environ[file]}, which {file} names: {error.strerror}") from error
    return environ.get(name) or None


class OwnLogin:
    """Locust's mechanism: what a locustfile sets on `web_ui`, at work."""

    def __init__(self, app):
        try:
            from flask_login import LoginManager
        except ImportError:
            refuse(f"--web-login without {USER} and {PASSWORD} (or {TOKEN}) in the environment, or Flask-Login")
        self.app = app
        self.manager = LoginManager()
        self.manager.init_app(app)
        self.manager.login_view = "locust.login"
        self._has_complained = False

    def admits(self, environ):
        """Whether whoever asks this has logged in."""
        from flask_login import current_user

        try:
            with self.app.request_context(environ):
                return bool(current_user.is_authenticated)
        except Exception as error:
            if not self._has_complained:
                logger.error("The login of the locustfile does not work: %s", error)
            self._has_complained = True
            return False


def page(args):
    """The login as `auth_args` describes it."""
    parts = []
    for kind, role in (("error", "alert"), ("info", "status")):
        if args.get(kind):
            parts.append(f'<p role="{role}">{html.escape(str(args[kind]))}</p>')
    if args.get("username_password_callback"):
        parts.append(
            _form(
                args["username_password_callback"],
                '<label>User<input name="username" autocomplete="username" required autofocus></label>'
                '<label>Password<input name="password" type="password" autocomplete="current-password" required></label>',
                "Log in",
            )
        )
    custom = args.get("custom_form")
    if custom:
        fields = "".join(_field(field) for field in custom.get("inputs", ()))
        parts.append(_form(custom["callback_url"], fields, custom.get("submit_button_text") or "Log in"))
    for provider in args.get("auth_providers") or ():
        icon = provider.get("icon_url")
        image = f'<img src="{html.escape(icon)}" alt="" width="20" height="20"> ' if icon else ""
        label, url = html.escape(str(provider["label"])), html.escape(str(provider["callback_url"]))
        parts.append(f'<p><a href="{url}">{image}{label}</a></p>')
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><title>Log in · throng</title>'
        '<link rel="stylesheet" href="login.css"></head><body><main><h1>throng</h1>'
        f"{''.join(parts)}</main></body></html>\n"
    )


def _form(action, fields, button):
    return (
        f'<form method="post" action="{html.escape(str(action))}">{fields}'
        f"<button>{html.escape(str(button))}</button></form>"
    )


def _field(field):
    name, label = html.escape(str(field["name"])), html.escape(str(field.get("label", field["name"])))
    required = " required" if field.get("is_required") else ""
    default = field.get("default_value")
    if field.get("choices"):
        chosen = default if isinstance(default, list) else [default]
        options = "".join(
            f"<option{' selected' if choice in chosen else ''}>{html.escape(str(choice))}</option>"
            for choice in field["choices"]
        )
        multiple = " multiple" if field.get("is_multiple") else ""
        return f'<label>{label}<select name="{name}"{multiple}{required}>{options}</select></label>'
    if isinstance(default, bool):
        checked = " checked" if default else ""
        return f'<label>{label}<input type="checkbox" name="{name}"{checked}></label>'
    kind = "password" if field.get("is_secret") else str(field.get("type") or "text")
    value = "" if default is None else f' value="{html.escape(str(default))}"'
    return f'<label>{label}<input type="{html.escape(kind)}" name="{name}"{value}{required}></label>'
