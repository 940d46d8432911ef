"""Forms: as they are submitted (URL-encoded, or multipart as browsers send them from scripts), and made of the page's JSON."""

from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs


def read_form(content_type, body):
    """Field -> list of values."""
    if not content_type.startswith("multipart/form-data"):
        return parse_qs(body.decode(), keep_blank_values=True)
    # A multipart form is a MIME message whose headers are those of the request.
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    fields = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if name is not None:
            fields.setdefault(name, []).append(part.get_payload(decode=True).decode())
    return fields


def start_form(given):
    """What `/api/v1/start` and `users` are given, as Locust's form has it."""
    arguments = given.get("arguments")
    form = {name: texts(value) for name, value in arguments.items()} if isinstance(arguments, dict) else {}
    for name, key in (("user_count", "users"), ("spawn_rate", "spawn_rate"), ("host", "host")):
        if given.get(key) is not None:
            form[name] = [str(given[key])]
    # An empty one means no limit, and is not the one of the command line.
    form["run_time"] = [str(given.get("run_time") or "")]
    for name, key in (("user_classes", "classes"), ("shape_class", "shape")):
        if given.get(key) is not None:
            form[name] = texts(given[key])
    return form


def texts(value):
    """A value of JSON as a form has it."""
    if isinstance(value, list):
        return [each for one in value for each in texts(one)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return ["" if value is None else str(value)]
