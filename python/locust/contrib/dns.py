"""A user that asks name servers, with dnspython: every function of `dns.query` is a method of its client."""

import dns.query
from dns.exception import DNSException
from dns.message import Message

from ..user.users import User
from ._operation import reported


class DNSClient:
    """Calls functions of `dns.query`, such as `udp` and `https`, and reports them under their names."""

    def __init__(self, request_event):
        self._request_event = request_event

    def __getattr__(self, function_name):
        function = getattr(dns.query, function_name)

        def ask(message: Message, *args, name=None, **kwargs):
            try:
                with reported(self._request_event, "DNS", name or function_name) as meta:
                    response = function(message, *args, **kwargs)
                    meta["response"] = response
                    meta["response_length"] = len(response.to_wire()) if hasattr(response, "to_wire") else 0
                    if hasattr(response, "answer") and not response.answer:
                        raise LookupError("No answer")
                    return response
            except (DNSException, OSError, LookupError):
                return None

        return ask


class DNSUser(User):
    """A user with a `DNSClient`."""

    abstract = True

    def __init__(self, environment):
        super().__init__(environment)
        self.client = DNSClient(environment.events.request)
