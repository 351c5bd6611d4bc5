"""Which proxy a request goes through, from environment variables (postman-request, lib/getProxyFromURI.js)."""

from __future__ import annotations

from collections.abc import Mapping

from runner.transport.message import Address

_SETTINGS = {"http": ("HTTP_PROXY",), "https": ("HTTPS_PROXY", "HTTP_PROXY")}


def proxy_for(address: Address, environ: Mapping[str, str]) -> str | None:
    """The URL of the proxy for an address, None for a direct connection."""
    exempt = _setting(environ, "NO_PROXY")
    if exempt == "*" or any(_covers(zone, address) for zone in exempt.split(",")):
        return None
    proxy = next(filter(None, (_setting(environ, name) for name in _SETTINGS[address.scheme])), None)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _setting(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _covers(zone: str, address: Address) -> bool:
    """Whether one entry of NO_PROXY means this address: a host or the end of one, perhaps with a port."""
    host, _, port = zone.strip().lower().partition(":")
    if not host or (port and port != str(address.port)):
        return False
    return f".{address.host.lower()}".endswith("." + host.lstrip("."))
