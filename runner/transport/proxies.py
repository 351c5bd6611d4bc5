"""Which proxy a request goes through by environment variables (postman-request, lib/getProxyFromURI.js), and what it is told."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from runner.errors import SendError
from runner.model import Prepared
from runner.transport.failures import proxy_failure
from runner.transport.message import Address, compose, locate

_SETTINGS = {"http": ("HTTP_PROXY",), "https": ("HTTPS_PROXY", "HTTP_PROXY")}
_AUTHORIZATION = "Proxy-Authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy, spoken to over http or https, and what it wants to see in Proxy-Authorization."""

    url: str
    authorization: str = field(default="", repr=False)


def proxy_for(address: Address, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for an address, None for a direct connection.

    Raises:
        SendError: the URL of the proxy makes no sense.
    """
    exempt = _setting(environ, "NO_PROXY")
    if exempt == "*" or any(_covers(zone, address) for zone in exempt.split(",")):
        return None
    url = next(filter(None, (_setting(environ, name) for name in _SETTINGS[address.scheme])), None)
    return _proxy(url if "://" in url else f"http://{url}") if url else None


def through(proxy: Proxy, sent: Prepared, address: Address) -> tuple[bytes, Proxy]:
    """The request as bytes, and the proxy as it is to be spoken to.

    A proxy for http reads the request: it is told the whole URL and who we are. One for https only tunnels, so the server must
    not see what is meant for the proxy.
    """
    given = sent.header(_AUTHORIZATION)
    if address.scheme == "https":
        bare = replace(sent, headers=tuple(line for line in sent.headers if line[0].lower() != _AUTHORIZATION.lower()))
        return compose(bare, address.target), replace(proxy, authorization=given or proxy.authorization)
    headers = sent.headers
    if proxy.authorization and given is None:
        headers = (*headers, (_AUTHORIZATION, proxy.authorization))
    return compose(replace(sent, headers=headers), f"http://{address.authority}{address.target}"), proxy


def _proxy(url: str) -> Proxy:
    try:
        address = locate(url)
    except SendError as error:
        raise proxy_failure() from error
    authorization = f"Basic {b64encode(unquote(address.auth).encode()).decode()}" if address.auth else ""
    return Proxy(url=f"{address.scheme}://{address.authority}", authorization=authorization)


def _setting(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _covers(zone: str, address: Address) -> bool:
    """Whether one entry of NO_PROXY means this address: a host or the end of one, perhaps with a port."""
    zone, host = zone.strip().lower(), address.host.lower()
    if zone.strip("[]") == host:  # an IPv6 address has colons of its own
        return True
    name, colon, port = zone.rpartition(":")
    if not colon:
        name, port = zone, str(address.port)
    return bool(name) and port == str(address.port) and f".{host}".endswith("." + name.strip("[]").lstrip("."))
