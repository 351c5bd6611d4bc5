"""What a request's protocolProfileBehavior means to the transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.transport.certificates import ClientCertificate

_MAX_REDIRECTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What a TLS connection must be like; only requests that want the same share one.

    `disabled` are names of protocols and `ciphers` of cipher suites, in Postman's and OpenSSL's spelling; no ciphers means
    the usual ones.
    """

    verify: bool = True
    certificate: ClientCertificate | None = None
    disabled: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    server_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a request is sent: its behavior over the run's defaults."""

    follow: bool
    tls: Tls = field(default_factory=Tls)
    cookies: bool = True
    limit: int = _MAX_REDIRECTS
    keep_method: bool = False
    keep_authorization: bool = False
    referer: bool = True
    encode: bool = True
    lenient: bool = False

    @classmethod
    def of(cls, behavior: Mapping[str, Any], *, follow: bool, verify: bool) -> Rules:
        """Read a behavior; what it does not name is as the run has it."""
        if not behavior:
            return cls(follow=follow, tls=_VERIFYING if verify else _TRUSTING)
        limit = behavior.get("maxRedirects")
        return cls(
            follow=bool(behavior.get("followRedirects", follow)),
            tls=Tls(
                verify=bool(behavior.get("strictSSL", verify)),
                disabled=tuple(behavior.get("tlsDisabledProtocols", ())),
                ciphers=tuple(behavior.get("tlsCipherSelection", ())),
                server_order=bool(behavior.get("tlsPreferServerCiphers")),
            ),
            cookies=not behavior.get("disableCookies"),
            limit=_MAX_REDIRECTS if limit is None else int(limit),
            keep_method=bool(behavior.get("followOriginalHttpMethod")),
            keep_authorization=bool(behavior.get("followAuthorizationHeader")),
            referer=not behavior.get("removeRefererHeaderOnRedirect"),
            encode=not behavior.get("disableUrlEncoding"),
            lenient=bool(behavior.get("insecureHTTPParser")),
        )


_VERIFYING = Tls()
_TRUSTING = Tls(verify=False)
