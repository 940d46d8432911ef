"""Jars and cookies as `requests`, `urllib` and `http.cookiejar` know them, over the jar that the client sends from.

The client itself needs none of this, so it is imported when a script first looks at a jar.
"""

import http.cookiejar
import threading
from collections.abc import MutableMapping

from .._core import Cookies
from .._unsupported import refuse


class Cookie(http.cookiejar.Cookie):
    """A cookie in a jar: what a script changes of it is changed there."""

    __slots__ = ("_jar",)

    def __setattr__(self, name, value):
        jar = getattr(self, "_jar", None)
        key = None if jar is None else (self.name, self.domain, self.path)
        super().__setattr__(name, value)
        if key is not None:
            jar._change(*key, self)

    def __copy__(self):
        return _unbound(dict(self.__dict__))

    def __deepcopy__(self, _memo):
        return self.__copy__()

    def __reduce__(self):
        return _unbound, (dict(self.__dict__),)


def _unbound(attributes):
    """A cookie that is in no jar."""
    cookie = http.cookiejar.Cookie.__new__(http.cookiejar.Cookie)
    cookie.__dict__.update(attributes, _rest=dict(attributes["_rest"]))
    return cookie


def _in_jar(jar, row):
    name, value, domain, path, secure, expires, discard, rest, (domain_specified, initial_dot, path_specified) = row
    cookie = Cookie(
        version=0,
        name=name,
        value=value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=domain_specified,
        domain_initial_dot=initial_dot,
        path=path,
        path_specified=path_specified,
        secure=secure,
        expires=expires,
        discard=discard,
        comment=None,
        comment_url=None,
        rest=rest,
    )
    object.__setattr__(cookie, "_jar", jar)
    return cookie


def _made(name, value, attributes):
    """A cookie of a script, for every host and path unless it names them."""
    given = {
        "version": 0,
        "port": None,
        "domain": "",
        "path": "/",
        "secure": False,
        "expires": None,
        "discard": True,
        "comment": None,
        "comment_url": None,
        "rest": {"HttpOnly": None},
        "rfc2109": False,
    }
    if unknown := [key for key in attributes if key not in given]:
        raise TypeError(f"create_cookie() got unexpected keyword arguments: {unknown}")
    given.update(attributes)
    for key in ("port", "version"):
        if given[key]:
            refuse(f"client.cookies.set({key}={given[key]!r})")
    domain, path = given["domain"], given["path"]
    return http.cookiejar.Cookie(
        name=name,
        value=value,
        port_specified=False,
        domain_specified=bool(domain),
        domain_initial_dot=domain.startswith("."),
        path_specified=bool(path),
        **given,
    )


def _of_morsel(morsel):
    """The attributes of a cookie of `http.cookies`."""
    expires = None
    if morsel["max-age"]:
        import time

        expires = int(time.time()) + int(morsel["max-age"])
    elif morsel["expires"]:
        expires = http.cookiejar.http2time(morsel["expires"])
    return {
        "domain": morsel["domain"],
        "path": morsel["path"],
        "secure": bool(morsel["secure"]),
        "expires": expires,
        "discard": False,
        "comment": morsel["comment"],
        "rest": {"HttpOnly": morsel["httponly"]},
    }


class RequestsCookieJar(Cookies, http.cookiejar.CookieJar):
    """Cookies as a mapping from name to value, and as a jar of the standard library."""

    # What the standard library's half works with; nothing of a jar is in them.
    _cookies_lock = threading.RLock()
    _policy = http.cookiejar.DefaultCookiePolicy()

    def __init__(self, _shared=None):
        # That of the standard library would make a store of its own.
        pass

    def __iter__(self):
        return iter([_in_jar(self, row) for row in self._rows()])

    @property
    def _cookies(self):
        """The cookies by domain, path and name."""
        found = {}
        for cookie in self:
            found.setdefault(cookie.domain, {}).setdefault(cookie.path, {})[cookie.name] = cookie
        return found

    def set(self, name, value, **attributes):
        """Sets a cookie and returns it; None as its value removes it. `domain` and `path` say where it is sent to."""
        if value is None:
            self._remove(name, attributes.get("domain"), attributes.get("path"))
            return None
        if hasattr(value, "OutputString"):
            name, value, attributes = value.key, value.value, _of_morsel(value)
        cookie = _made(name, value, attributes)
        self.set_cookie(cookie)
        return cookie

    def setdefault(self, name, default=None):
        """The value of a name, which is `default` from now on if there is none."""
        if name not in self:
            self[name] = default
        return self[name]

    def iterkeys(self):
        """The names."""
        return iter(self.keys())

    def itervalues(self):
        """The values."""
        return iter(self.values())

    def iteritems(self):
        """Names and values."""
        return iter(self.items())

    def get_policy(self):
        """By which rules cookies are taken and sent."""
        return self._policy

    def set_policy(self, policy):
        """Other rules than the usual are not known here."""
        usual = {**vars(self._policy), "_now": None}
        if type(policy) is not type(self._policy) or {**vars(policy), "_now": None} != usual:
            refuse("a policy of its own for client.cookies")

    def copy(self):
        """A jar of its own with the same cookies."""
        jar = RequestsCookieJar()
        jar.update(self)
        return jar

    __copy__ = copy

    def __deepcopy__(self, _memo):
        return self.copy()

    def __reduce__(self):
        return _jar_of, ([cookie.__copy__() for cookie in self],)

    # Those of the standard library would be found behind the native half, which has none.
    __repr__ = http.cookiejar.CookieJar.__repr__
    __str__ = http.cookiejar.CookieJar.__str__


def _jar_of(cookies):
    jar = RequestsCookieJar()
    for cookie in cookies:
        jar.set_cookie(cookie)
    return jar


MutableMapping.register(RequestsCookieJar)
