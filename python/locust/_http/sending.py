"""Prepared requests, redirects by hand, settings of the environment: what a session of `requests` offers beside requests.

What only `requests` knows is asked of a session of its own, which is told beforehand what ours remembers. So these need
`requests` in the user's Python; whoever passes its objects has it.
"""

import sys

from .._unsupported import refuse

_OPTIONS = ("timeout", "allow_redirects", "stream", "verify", "cert", "proxies")


def _requests():
    try:
        import requests
    except ImportError as error:
        raise ImportError("prepared requests and redirects by hand need the package requests: pip install requests") from error
    return requests


def twin(session):
    """A session of `requests` that knows what ours does."""
    requests = _requests()
    twin = session.__dict__.get("_twin")
    if twin is None:
        twin = session._twin = requests.Session()
    twin.headers = requests.structures.CaseInsensitiveDict(session.headers.items())
    twin.cookies = requests.cookies.RequestsCookieJar()
    twin.cookies.update(session.cookies)
    for name in ("auth", "params", "hooks", "proxies", "verify", "cert", "stream", "trust_env", "max_redirects"):
        setattr(twin, name, getattr(session, name))
    return twin


def as_prepared(sent):
    """A request that is to be sent, as `requests` calls it where that is imported."""
    requests = sys.modules.get("requests")
    if requests is None:
        return sent
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = sent.method, sent.url, sent.body
    prepared.headers = requests.structures.CaseInsensitiveDict(sent.headers.items())
    prepared._cookies = requests.cookies.RequestsCookieJar()
    return prepared


def send(session, request, kwargs):
    """Sends a prepared request as it is, and calls its hooks."""
    if not hasattr(request, "body"):
        raise ValueError("You can only send PreparedRequests.")
    for name in kwargs:
        if name not in _OPTIONS:
            raise TypeError(f"HttpSession.send() got an unexpected keyword argument {name!r}")
    hooks, digest = _hooks(request)
    # They are in the header already, and go along when the request is redirected.
    cookies = getattr(request, "_cookies", None)
    options = {"allow_redirects": True, **kwargs, "cookies": cookies, "auth": digest}
    response = session._send(request.method, request.url, request.headers, request.body, **options)
    told = {name: kwargs.get(name, getattr(session, name)) for name in ("stream", "verify", "cert", "proxies")}
    if "timeout" in kwargs:
        told["timeout"] = kwargs["timeout"]
    for hook in hooks:
        replaced = hook(response, **told)
        response = response if replaced is None else replaced
    return response


def _hooks(request):
    """The hooks of a request, and its digest authentication: that is in hooks of its own, which the client does without."""
    found = (getattr(request, "hooks", None) or {}).get("response") or []
    hooks, digest = [], None
    for hook in [found] if callable(found) else found:
        owner = getattr(hook, "__self__", None)
        if type(owner).__name__ == "HTTPDigestAuth":
            digest = owner
        else:
            hooks.append(hook)
    return hooks, digest


def resolve_redirects(session, response, yield_requests, options):
    """The responses that a redirect leads to, one by one; with `yield_requests`, the request that comes next."""
    followed = 0
    while response.is_redirect:
        request = response.next
        if request is None:
            refuse("client.resolve_redirects() of a response whose redirect was followed")
        if yield_requests:
            yield request
            return
        if followed >= session.max_redirects:
            raise _requests().TooManyRedirects(f"Exceeded {session.max_redirects} redirects.", response=response)
        followed += 1
        response = send(session, request, {**options, "allow_redirects": False})
        yield response
