"""Which certificates are believed: those that other proxies believe, and by no new Python fewer.

Since 3.13 Python's own context takes RFC 5280 by the letter (VERIFY_X509_STRICT): an authority has
to say what its key is for, and each certificate which key signed it. Those of many companies do
not: the authority that one `openssl req -x509` makes, say. nginx, HAProxy, Envoy and curl do not
ask for it. So neither do we: what was reached before an upgrade of Python is reached after it.
Who signed, for which name and until when is verified all the same.

The contexts are made once and live as long as the process. An authority that comes into the file of
`SSL_CERT_FILE` is believed once that is read again; one that is taken out, until the process ends.
"""

import os
import ssl
from weakref import WeakSet

FORMALITIES = ssl.VERIFY_X509_STRICT

_MADE: WeakSet[ssl.SSLContext] = WeakSet()


class AuthoritiesUnreadable(Exception):
    """The file of `SSL_CERT_FILE` cannot be read, or is none; it says why."""


def without_formalities(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, that verifies everything else."""
    context.verify_flags &= ~FORMALITIES
    _MADE.add(context)
    return context


def read_again() -> None:
    """Believe whom the file of `SSL_CERT_FILE` has come to name.

    Raises:
        AuthoritiesUnreadable: they stay as they are.
    """
    file = os.environ.get("SSL_CERT_FILE")
    if not file:
        return
    try:
        for context in tuple(_MADE):
            context.load_verify_locations(file)
    except OSError as error:  # of which ssl.SSLError is one
        why = error.strerror if error.errno and error.filename else "no certificates in PEM"
        raise AuthoritiesUnreadable(f"SSL_CERT_FILE: {file}: {why}") from error
