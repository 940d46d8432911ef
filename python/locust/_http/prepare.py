"""Rarely used request arguments: multipart bodies, authentication objects, hooks, streams."""

import codecs
import io
import os
import re

from .._core import FastResponse

# What urllib3 reads of a file at a time.
_CHUNK = 16384


def read_body(data, fast):
    """A body from what is neither text nor a form: a file, an iterator or a mapping; with its content type, and whether it is in
    chunks. Observed on Locust 2.47: of what has no length each piece is a chunk; the fast client knows that of files alone."""
    if hasattr(data, "items"):
        return multipart_free_form(data), "application/x-www-form-urlencoded", False
    if hasattr(data, "read"):
        content = _bytes(data.read())
        pieces = [content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK)]
    elif hasattr(data, "__iter__"):
        pieces = [_bytes(part) for part in data]
    else:
        raise TypeError(f"use data={data!r}: it is neither text, bytes, a form, a file nor an iterable of them")
    content = b"".join(pieces)
    has_length = _is_file(data) if fast else any(hasattr(data, name) for name in ("__len__", "len", "fileno", "tell"))
    if content and has_length:
        return content, None, False
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*filter(None, pieces), b""]), None, True


def _is_file(data):
    try:
        return data.fileno() >= 0
    except (AttributeError, OSError):
        return False


def multipart_free_form(data):
    """A mapping as `application/x-www-form-urlencoded`."""
    from urllib.parse import urlencode

    return urlencode([(key, value) for key, value in _fields(data)]).encode()


def _bytes(value):
    if isinstance(value, int):
        raise TypeError(f"use {value!r} as a part of a body: it is a number, not text or bytes")
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


def _file(field, entry):
    """Name, content, content type and headers of one entry of `files=`.

    A file without a name of its own has that of its field; a pair whose name is None is a plain form field.
    """
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
            name = field
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
        filename, content, content_type, headers = _file(name, entry)
        if content is not None:
            part(name, _bytes(content), filename, content_type, headers)
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
    if not callable(auth):
        raise TypeError(f"use auth={auth!r}: it is neither a pair of user and password nor callable")
    from locust._core import CaseInsensitiveDict

    prepared = _Prepared(method, url, CaseInsensitiveDict(headers), body)
    prepared = auth(prepared) or prepared
    return {_text(name): _text(value) for name, value in prepared.headers.items()}


def _text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def environment_settings():
    """What a session that trusts the environment finds there: proxies for http and https, hosts without a proxy, and a
    file of certificates."""
    from urllib.request import getproxies

    found = getproxies()
    bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return found.get("http", found.get("all")), found.get("https", found.get("all")), found.get("no", ""), bundle


def netrc_auth(host):
    """User and password for a host from the user's netrc file, or None."""
    import netrc

    for path in [os.environ["NETRC"]] if "NETRC" in os.environ else ["~/.netrc", "~/_netrc"]:
        try:
            found = netrc.netrc(os.path.expanduser(path)).authenticators(host)
        except (OSError, netrc.NetrcParseError):
            continue
        if found:
            return found[0] or found[1], found[2]
    return None


def run_hooks(hooks, own_hooks, responses, told):
    """Calls the response hooks, each with every response on the way: the request's stand instead of the session's. Returns what
    one of them wants instead of a response, or None."""
    listed = (hooks or {}).get("response") or own_hooks.get("response") or []
    for response in responses:
        current = response
        for hook in [listed] if callable(listed) else listed:
            result = hook(current, **told)
            current = current if result is None else result
        if current is not response:
            return current
    return None


def parts(response):
    """What a response consists of, be it ours or one of `requests`: status, reason, headers, body, URL, seconds, and method, URL
    and headers of the request that came first, if it knows that."""
    request = response.history[0].request if response.history else response.request
    return (
        response.status_code or 0,
        response.reason or "",
        _texts(response.headers),
        response.content or b"",
        response.url or "",
        response.elapsed.total_seconds(),
        request and (request.method, request.url, _texts(request.headers)),
    )


def _texts(headers):
    return [(_text(name), _text(value)) for name, value in (headers or {}).items()]


def adapter_retries(prefix, adapter):
    """What an adapter says of repetitions: how many, for which statuses and methods (None for all), and their backoff."""
    kind = type(adapter)
    plain = kind.__name__ == "HTTPAdapter" and kind.__module__ == "requests.adapters"
    # Its pool of connections is the user class's.
    locusts = kind.__module__ == "locust.clients" and adapter.pool_manager is None
    if not (plain or locusts) or prefix.rstrip("/").lower() not in ("http:", "https:"):
        raise NotImplementedError(f"session.mount({prefix!r}, {kind.__name__}) is not supported yet")
    retries = adapter.max_retries
    times = retries.total if isinstance(retries.total, int) else 0
    methods = retries.allowed_methods
    return (
        int(times),
        list(retries.status_forcelist or ()),
        None if not methods else sorted(method.upper() for method in methods),
        float(retries.backoff_factor),
    )


def pieces(response, size):
    """The body as bytes: `size` of them at a time, or as they arrive for None."""
    if response._is_stream:
        while piece := response._next_piece(size):
            yield piece
        return
    content = response.content or b""
    size = size or len(content) or 1
    for start in range(0, len(content), size):
        yield content[start : start + size]


def iter_content(response, size, decode):
    """The body in pieces of `size` bytes, as text if `decode` and the encoding is known."""
    # The fast client reads what has no encoding of its own as UTF-8, requests hands it out as it is.
    encoding = (response.encoding or ("utf-8" if isinstance(response, FastResponse) else None)) if decode else None
    if encoding is None:
        yield from pieces(response, size)
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for piece in pieces(response, size):
        if text := decoder.decode(piece):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def iter_lines(response, decode, delimiter, size=512):
    """The lines of the body, each as soon as its end has arrived."""
    begun = None
    for piece in iter_content(response, size, decode):
        if begun is not None:
            piece = begun + piece
        lines = piece.split(delimiter) if delimiter else piece.splitlines()
        # The last one is complete only if what ends lines ends the piece.
        begun = lines.pop() if lines and lines[-1] and piece and lines[-1][-1] == piece[-1] else None
        yield from lines
    if begun is not None:
        yield begun


def read_line(response):
    """The next line of the body, with its end."""
    line = b""
    while not line.endswith(b"\n") and (piece := response._next_piece(1) if response._is_stream else response.read(1)):
        line += piece
    return line


class _Head:
    """The parts of urllib3's response that are about its head."""

    version = 11

    @property
    def status(self):
        return self._response.status_code

    @property
    def reason(self):
        return self._response.reason

    @property
    def headers(self):
        return self._response.headers

    def getheader(self, name, default=None):
        """A header by name."""
        return self.headers.get(name, default)

    def release_conn(self):
        """Gives the connection back."""
        self._response.close()


class WholeBody(_Head, io.BytesIO):
    """A body that is there as a file."""

    def __init__(self, response):
        super().__init__(response.content or b"")
        self._response = response

    @property
    def data(self):
        """All of it."""
        return self.getvalue()

    def read(self, size=-1, decode_content=None):
        """At most `size` bytes, or all; content codings have been undone."""
        return super().read(size)

    def stream(self, amt=65536, decode_content=None):
        """The body in pieces of at most `amt` bytes."""
        return iter(lambda: self.read(amt), b"")


class StreamedBody(_Head, io.RawIOBase):
    """The body of a streamed response as a file."""

    def __init__(self, response):
        super().__init__()
        self._response = response

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self._response._next_piece(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size=-1, decode_content=None):
        """At most `size` bytes, or all; content codings have been undone."""
        return super().read(-1 if size is None else size)

    def stream(self, amt=65536, decode_content=None):
        """The body in pieces of at most `amt` bytes."""
        return pieces(self._response, amt)


def raw_body(response):
    """The body as a file object."""
    return StreamedBody(response) if response._is_stream else WholeBody(response)


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
