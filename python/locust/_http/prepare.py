"""Rarely used request arguments: multipart bodies, authentication objects, hooks, streams."""

import os
import re


def read_body(data):
    """A body from what is neither text nor a form: a file, an iterator or a mapping; with its content type."""
    if hasattr(data, "items"):
        return multipart_free_form(data), "application/x-www-form-urlencoded"
    if hasattr(data, "read"):
        return _bytes(data.read()), None
    if hasattr(data, "__iter__"):
        return b"".join(_bytes(part) for part in data), None
    raise TypeError(f"use data={data!r}: it is neither text, bytes, a form, a file nor an iterable of them")


def multipart_free_form(data):
    """A mapping as `application/x-www-form-urlencoded`."""
    from urllib.parse import urlencode

    return urlencode([(key, value) for key, value in _fields(data)]).encode()


def _bytes(value):
    return value.encode() if isinstance(value, str) else bytes(value)


def _fields(data):
    """Names and values of form fields: lists give several, None gives none."""
    items = data.items() if hasattr(data, "items") else data
    for name, values in items:
        if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
            values = [values]
        for value in values:
            if value is not None:
                yield name, value


def _file(entry):
    """Name, content, content type and headers of one entry of `files=`."""
    content_type, headers = None, {}
    if isinstance(entry, (tuple, list)):
        name, content, *rest = entry
        if rest:
            content_type = rest[0]
        if len(rest) > 1:
            headers = rest[1]
    else:
        content = entry
        name = getattr(content, "name", None)
        if isinstance(name, str) and name and not (name.startswith("<") and name.endswith(">")):
            name = os.path.basename(name)
        else:
            name = None
    if content is not None and hasattr(content, "read"):
        content = content.read()
    return name, content, content_type, headers or {}


def multipart(data, files):
    """`files=` and form fields as `multipart/form-data`: the body and its content type."""
    if isinstance(data, (str, bytes)):
        raise ValueError("Data must not be a string.")
    boundary = os.urandom(16).hex()
    parts = []

    def part(name, content, filename=None, content_type=None, headers=None):
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
        if filename is not None:
            head += f'; filename="{_quoted(filename)}"'
        if content_type:
            head += f"\r\nContent-Type: {content_type}"
        for key, value in (headers or {}).items():
            head += f"\r\n{key}: {value}"
        parts.append(head.encode() + b"\r\n\r\n" + content + b"\r\n")

    for name, value in _fields(data or {}):
        part(name, value if isinstance(value, bytes) else str(value).encode())
    for name, entry in files.items() if hasattr(files, "items") else files:
        filename, content, content_type, headers = _file(entry)
        if content is not None:
            # Without a name of its own a file has that of its field.
            part(name, _bytes(content), name if filename is None else filename, content_type, headers)
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _quoted(text):
    text = text.decode() if isinstance(text, bytes) else str(text)
    # The escapes of the WHATWG's multipart encoding, which urllib3 uses.
    return text.replace('"', "%22").replace("\n", "%0A").replace("\r", "%0D")


class _Prepared:
    """The request as authentication objects of `requests` see it."""

    def __init__(self, method, url, headers, body):
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.hooks = {"response": []}

    def register_hook(self, event, hook):
        """An authentication that needs the response cannot be served."""
        raise NotImplementedError(
            f"auth with a hook on {event!r} is not supported yet: "
            "use a pair of user and password, or set the Authorization header"
        )


def apply_auth(auth, method, url, headers, body):
    """The headers after an authentication object of `requests` has seen the request."""
    kind = type(auth).__name__
    if kind == "HTTPDigestAuth":
        raise NotImplementedError("HTTPDigestAuth is not supported yet; use a pair of user and password for Basic")
    if not callable(auth):
        raise TypeError(f"use auth={auth!r}: it is neither a pair of user and password nor callable")
    from locust._core import CaseInsensitiveDict

    prepared = _Prepared(method, url, CaseInsensitiveDict(headers), body)
    prepared = auth(prepared) or prepared
    return {_text(name): _text(value) for name, value in prepared.headers.items()}


def _text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def call_hooks(hooks, response):
    """Calls the response hooks; one that returns something replaces the response, as in `requests`."""
    listed = hooks.get("response") or []
    for hook in [listed] if callable(listed) else listed:
        result = hook(response)
        if result is not None:
            response = result
    return response


def check_adapter(prefix, adapter):
    """Accepts an adapter that asks for nothing but the size of the pool."""
    kind = type(adapter)
    retries = getattr(adapter, "max_retries", None)
    plain = kind.__name__ == "HTTPAdapter" and kind.__module__ == "requests.adapters"
    if not plain:
        raise NotImplementedError(f"session.mount({prefix!r}, {kind.__name__}) is not supported yet")
    if getattr(retries, "total", 0):
        raise NotImplementedError(f"session.mount({prefix!r}, ...) with max_retries is not supported yet")


def iter_content(response, size, decode):
    """The body in pieces of `size` bytes."""
    content = (response.text if decode else response.content) or ("" if decode else b"")
    size = size or len(content) or 1
    for start in range(0, len(content), size):
        yield content[start : start + size]


def iter_lines(response, decode, delimiter):
    """The lines of the body."""
    content = (response.text if decode else response.content) or ("" if decode else b"")
    yield from content.split(delimiter) if delimiter else content.splitlines()


def parse_links(header):
    """The `Link` header (RFC 8288) as a dictionary by relation."""
    links = {}
    for value in re.split(r", *<", header.strip(" '\"")) if header else []:
        url, _, rest = value.partition(";")
        link = {"url": url.strip("<> '\"")}
        for parameter in rest.split(";"):
            key, found, text = parameter.partition("=")
            if not found:
                break
            link[key.strip(" '\"")] = text.strip(" '\"")
        links[link.get("rel") or link["url"]] = link
    return links
