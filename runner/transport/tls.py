"""TLS as requests want it: one `SSLContext` for each kind of connection."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from runner.behavior import TLS13_SUITE
from runner.errors import SendError
from runner.transport.certificates import trust
from runner.transport.rules import Tls
from runner.transport.sockets import TlsSocket


def context_for(tls: Tls, extra_roots: Path | None = None) -> ssl.SSLContext:
    """A context for connections of this kind; `extra_roots` is a PEM file of authorities trusted beside the usual ones.

    Raises:
        SendError: no cipher of the selection exists.
        LoadError: a file cannot be read or used.
    """
    context = create_urllib3_context()
    context.sslsocket_class = TlsSocket
    if tls.verify:
        context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
        if extra_roots:
            trust(context, extra_roots)
        # From 3.13 on Python wants more of a certificate than Node does, and than many companies' own authorities give.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.ciphers:
        _select(context, tls.ciphers)
    _disable(context, tls.disabled)
    if tls.server_order:
        # OpenSSL heeds this on the server's side only, under Node as well; the server decides in any case.
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.certificate:
        tls.certificate.load_into(context)
    return context


def _select(context: ssl.SSLContext, ciphers: tuple[str, ...]) -> None:
    """Use these ciphers only, or TLS 1.3 only if all are its own; it is not left out if none is, as under Node 20."""
    older = [name for name in ciphers if not name.startswith(TLS13_SUITE)]
    if not older:
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        return
    try:
        context.set_ciphers(":".join(older))
    except ssl.SSLError as error:
        hint = "tlsCipherSelection wants OpenSSL's names, such as ECDHE-RSA-AES128-GCM-SHA256"
        raise SendError("no cipher match", code="ERR_SSL_NO_CIPHER_MATCH", hint=hint) from error


def _disable(context: ssl.SSLContext, protocols: tuple[str, ...]) -> None:
    with warnings.catch_warnings():
        # The versions that replace these options cannot leave out one in the middle.
        warnings.simplefilter("ignore", DeprecationWarning)
        for name in protocols:
            context.options |= getattr(ssl, f"OP_NO_{name}", 0)
