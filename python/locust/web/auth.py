"""The shapes of `web_ui.auth_args`, for type annotations of locustfiles that bring a login of their own."""

from typing import TypedDict


class InputField(TypedDict, total=False):
    """One field of a login form."""

    label: str
    name: str
    type: "str | None"
    default_value: "bool | None"
    choices: "list[str] | None"
    is_multiple: "bool | None"
    is_secret: "bool | None"
    is_required: "bool | None"


class CustomForm(TypedDict, total=False):
    """A login form of the locustfile's own."""

    inputs: "list[InputField] | None"
    callback_url: str
    submit_button_text: "str | None"


class AuthProvider(TypedDict, total=False):
    """Somebody else who knows the users."""

    label: "str | None"
    callback_url: str
    icon_url: "str | None"


class AuthArgs(TypedDict, total=False):
    """What the login page shows."""

    custom_form: CustomForm
    auth_providers: "list[AuthProvider]"
    username_password_callback: str
    error: str
    info: str
