"""Which certificates are believed: those that other proxies believe, and by no new Python fewer.

Since 3.13 Python's own context takes RFC 5280 by the letter (VERIFY_X509_STRICT): an authority has
to say what its key is for, and each certificate which key signed it. Those of many companies do
not: the authority that one `openssl req -x509` makes, say. nginx, HAProxy, Envoy and curl do not
ask for it. So neither do we: what was reached before an upgrade of Python is reached after it.
Who signed, for which name and until when is verified all the same.
"""

import ssl

FORMALITIES = ssl.VERIFY_X509_STRICT


def without_formalities(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, that verifies everything else."""
    context.verify_flags &= ~FORMALITIES
    return context
