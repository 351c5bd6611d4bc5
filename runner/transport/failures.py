"""What went wrong on the network, in the words and codes Node uses: Postman shows them, and collections test for them."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl

from runner.errors import SendError

# X509 verification results of OpenSSL by the names Node gives them (node, src/crypto/crypto_common.cc).
_CERTIFICATE = {
    2: "UNABLE_TO_GET_ISSUER_CERT",
    7: "CERT_SIGNATURE_FAILURE",
    9: "CERT_NOT_YET_VALID",
    10: "CERT_HAS_EXPIRED",
    18: "DEPTH_ZERO_SELF_SIGNED_CERT",
    19: "SELF_SIGNED_CERT_IN_CHAIN",
    20: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    21: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    22: "CERT_CHAIN_TOO_LONG",
    23: "CERT_REVOKED",
    24: "INVALID_CA",
    26: "INVALID_PURPOSE",
    27: "CERT_UNTRUSTED",
    28: "CERT_REJECTED",
    62: "ERR_TLS_CERT_ALTNAME_INVALID",
    64: "ERR_TLS_CERT_ALTNAME_INVALID",
}
_TRUST_HINT = "if you trust this server all the same, switch verification off with -k (--insecure)"
_NOT_TLS = frozenset({"wrong version number", "record layer failure"})
_TUNNEL_STATUS = re.compile(r"Tunnel connection failed: (\d+)")


def address_failure(host: str, error: Exception) -> SendError:
    """A name that did not resolve."""
    again = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    code = "EAI_AGAIN" if again else "ENOTFOUND"
    hint = "the host holds a variable without a value" if "{{" in host else "check the host's spelling and the network"
    return SendError(f"getaddrinfo {code} {host}", code=code, hint=hint)


def connect_failure(error: OSError, address: str, port: int) -> SendError:
    """An address that did not accept the connection."""
    code = _name(error, "ECONNREFUSED")
    hint = "is the server running, and is this its port?" if code == "ECONNREFUSED" else ""
    return SendError(f"connect {code} {address}:{port}", code=code, hint=hint)


def timed_out(*, connecting: bool) -> SendError:
    """The request's time was up."""
    code = "ETIMEDOUT" if connecting else "ESOCKETTIMEDOUT"
    return SendError(code, code=code, hint="limits are set with --timeout-request, and for the whole run with --timeout")


def too_large(limit: int) -> SendError:
    """A body of more bytes than the user allows."""
    return SendError("Maximum response size reached", hint=f"no more than {limit} bytes are taken (--max-response-size)")


def tls_failure(error: Exception) -> SendError:
    """A TLS handshake that came to nothing."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = _CERTIFICATE.get(error.verify_code, "CERT_INVALID")
        return SendError(error.verify_message or str(error), code=code, hint=_TRUST_HINT)
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
        text = "Client network socket disconnected before secure TLS connection was established"
        return SendError(text, code="ECONNRESET")
    return exchange_failure(error)


def proxy_failure() -> SendError:
    """A proxy's URL that makes no sense; it may hold a password, so it is not repeated."""
    return SendError("the URL of the proxy cannot be used", hint="HTTP_PROXY and HTTPS_PROXY take http://host:port")


def proxy_unreachable(cause: SendError, *, tunnel: bool) -> SendError:
    """A proxy that we could not connect to, told as Node does for a tunnel (@postman/tunnel-agent) and for plain http."""
    hint = "this is the proxy of HTTP_PROXY or HTTPS_PROXY; NO_PROXY names hosts that need none"
    return _no_tunnel(f"cause={cause.what}", hint) if tunnel else SendError(cause.what, code=cause.code, hint=hint)


def tunnel_failure(error: Exception) -> SendError:
    """A proxy that would not connect us to the server."""
    if refused := _TUNNEL_STATUS.search(str(error)):
        hint = "the proxy asks for a name and password: http://name:password@host:port" if refused[1] == "407" else ""
        return _no_tunnel(f"statusCode={refused[1]}", hint)
    if isinstance(error, TimeoutError):
        return timed_out(connecting=True)
    return _no_tunnel(f"cause={exchange_failure(error).what}", "the proxy does not answer as a proxy does")


def _no_tunnel(why: str, hint: str) -> SendError:
    return SendError(f"tunneling socket could not be established, {why}", code="ECONNRESET", hint=hint)


def exchange_failure(error: Exception) -> SendError:
    """A connection that broke, or that spoke something else than HTTP."""
    if isinstance(error, TimeoutError):
        return timed_out(connecting=False)
    if isinstance(error, http.client.RemoteDisconnected | ssl.SSLEOFError):
        return SendError("socket hang up", code="ECONNRESET", hint="the server closed the connection without an answer")
    if isinstance(error, ssl.SSLError):
        return _protocol_failure(error)
    if isinstance(error, http.client.IncompleteRead):
        return SendError("aborted", code="ECONNRESET", hint="the server closed the connection in the middle of its answer")
    if isinstance(error, http.client.BadStatusLine):
        return SendError("Parse Error: Expected HTTP/", code="HPE_INVALID_CONSTANT", hint="the server does not speak HTTP/1")
    if isinstance(error, http.client.HTTPException | ValueError):
        return SendError(f"Parse Error: {error}", code="HPE_INVALID_RESPONSE")
    code = _name(error, "ECONNRESET")
    return SendError(f"read {code}", code=code)


def _protocol_failure(error: ssl.SSLError) -> SendError:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    hint = "does this port speak plain http?" if reason in _NOT_TLS else ""
    if reason.endswith("certificate required"):
        hint = "the server wants to see a certificate of yours: --ssl-client-cert"
    return SendError(f"write EPROTO {reason}", code="EPROTO", hint=hint)


def _name(error: Exception, default: str) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number, default) if number else default
