"""The join token of a run: who knows it may be a worker, and may have the files of the test.

Locust's protocol has none. Where `THRONG_TOKEN` is set on a master, each client is asked, over its own connection and before
anything counts that it says, to prove that it knows the token. It never travels itself. Workers of Locust do not understand the
question, and so cannot join such a master.
"""

import hashlib
import hmac
import os
import secrets

_VARIABLE = "THRONG_TOKEN"
_PURPOSE = b"throng locust worker\0"

# What masters ask and workers answer: messages that Locust does not have.
ASK, ANSWER, REFUSED = "throng_prove", "throng_proof", "throng_refused"

_taken = []


def hide():
    """Takes the token out of the environment, before any locustfile is read."""
    _taken[:] = [os.environ.pop(_VARIABLE, "")]


def known():
    """The token of this process; None if it has none."""
    return (_taken[0] if _taken else os.environ.get(_VARIABLE, "")).strip() or None


def question():
    """What an answer is for, which no other is."""
    return secrets.token_bytes(32)


def proof(token, asked, name):
    """What only somebody can say who knows the token, of this name, to this question."""
    return hmac.new(token.encode(), _PURPOSE + asked + name.encode(), hashlib.sha256).digest()


def is_proof(token, asked, name, said):
    """Whether that was said."""
    return isinstance(said, bytes) and hmac.compare_digest(said, proof(token, asked, name))
