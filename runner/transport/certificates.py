"""Certificates the user brings: of the client, chosen by URL, and of more authorities to trust."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runner.errors import LoadError, UsageError
from runner.place import Where, as_list, as_object, kind_of
from runner.reading import read_bytes, read_json
from runner.transport.message import Address
from runner.transport.patterns import ALL_URLS, UrlPattern

_CERTIFICATE = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN TRUSTED CERTIFICATE-----")
_DER = b"\x30"
_ANOTHER_KEY = ("key values mismatch", "no certificate assigned")
_DAMAGED = "it is damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """Shows https servers of some URLs who the client is: a certificate and its key in PEM files, or both in a PFX file."""

    matches: tuple[UrlPattern, ...]
    cert: Path | None = None
    key: Path | None = None
    pfx: Path | None = None
    passphrase: str | None = field(default=None, repr=False)

    def is_for(self, address: Address) -> bool:
        """Whether a server is shown this certificate; those that do not speak TLS never are."""
        return address.scheme == "https" and any(pattern.matches(address) for pattern in self.matches)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Use the certificate for connections of this context.

        Raises:
            LoadError: a file cannot be read or used, which tells why.
        """
        if self.pfx:
            _load_pfx(context, self.pfx, self.passphrase)
        elif self.cert:
            _load_pem(context, self.cert, self.key or self.cert, self.passphrase)


def client_certificates(
    *, listed: str | None, cert: str | None, key: str | None, passphrase: str | None, folder: Path
) -> tuple[ClientCertificate, ...]:
    """The certificates of a list and, for all URLs that it does not name, the single one, checked; paths start at `folder`.

    Raises:
        UsageError: a key or passphrase without a certificate.
        LoadError: a file cannot be read or used.
    """
    if cert is None and (key or passphrase):
        option = "--ssl-client-key" if key else "--ssl-client-passphrase"
        raise UsageError(f"{option} needs the certificate it belongs to", hint="name it with --ssl-client-cert")
    found = list(_listed(listed, folder)) if listed else []
    if cert:
        everywhere = (UrlPattern.of(ALL_URLS),)
        paths = {"cert": folder / cert, "key": folder / key if key else None}
        found.append(ClientCertificate(matches=everywhere, passphrase=passphrase, **paths))
    for certificate in found:
        certificate.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    return tuple(found)


def extra_roots(path: str | None, folder: Path) -> Path | None:
    """The file of authorities to trust beside the usual ones, checked.

    Raises:
        LoadError: it cannot be read, or holds no certificate.
    """
    if path is None:
        return None
    trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), folder / path)
    return folder / path


def trust(context: ssl.SSLContext, roots: Path) -> None:
    """Trust the authorities in a PEM file, too.

    Raises:
        LoadError: it cannot be read, or holds no certificate.
    """
    _pem(roots, _CERTIFICATE, "certificate")
    try:
        context.load_verify_locations(roots)
    except ssl.SSLError as error:
        raise _unusable(roots, error) from error


def _listed(path: str, folder: Path) -> Iterator[ClientCertificate]:
    where = Where(path)
    for number, entry in enumerate(as_list(read_json(path), where), 1):
        yield _entry(as_object(entry, where.at(f"certificate {number}")), where.at(f"certificate {number}"), folder)


def _entry(data: dict[str, Any], where: Where, folder: Path) -> ClientCertificate:
    cert, key, pfx = (_source(data.get(name), where.at(name), folder) for name in ("cert", "key", "pfx"))
    if not (cert or pfx):
        raise where.fail("names no file with a certificate", hint='expected "cert" and "key", or "pfx", each {"src": PATH}')
    passphrase = data.get("passphrase")
    if not isinstance(passphrase, str | None):
        raise where.at("passphrase").fail(f"expected text, found {kind_of(passphrase)}")
    if data.get("matches") is None:
        raise where.fail("matches no URL", hint='expected "matches": ["https://*.example.com/*"]')
    patterns = as_list(data["matches"], where.at("matches"))
    matches = tuple(_pattern(entry, where.at("matches")) for entry in patterns)
    return ClientCertificate(matches=matches, cert=cert, key=key, pfx=pfx, passphrase=passphrase)


def _source(data: Any, where: Where, folder: Path) -> Path | None:
    source = data.get("src") if isinstance(data, dict) else data
    if not isinstance(source, str | None):
        raise where.fail(f'expected {{"src": PATH}}, found {kind_of(source)}')
    return folder / source if source else None


def _pattern(data: Any, where: Where) -> UrlPattern:
    text = data.get("pattern") if isinstance(data, dict) else data
    if not isinstance(text, str):
        raise where.fail(f"expected URL patterns, found {kind_of(text)}")
    try:
        return UrlPattern.of(text)
    except ValueError as error:
        raise where.fail(str(error)) from error


def _load_pem(context: ssl.SSLContext, cert: Path, key: Path, passphrase: str | None) -> None:
    _pem(cert, _CERTIFICATE, "certificate")
    encrypted = b"ENCRYPTED" in _pem(key, (b"PRIVATE KEY-----",), "private key")
    try:
        # With None OpenSSL would ask for the passphrase on the terminal.
        context.load_cert_chain(cert, key, password=passphrase or "")
    except (ssl.SSLError, ValueError) as error:
        if _reason(error) in _ANOTHER_KEY:
            raise LoadError(f"is not the key of {cert}", where=str(key)) from error
        raise _locked(key, passphrase) if encrypted and _reason(error) == _DAMAGED else _unusable(key, error) from error


def _pem(path: Path, marks: tuple[bytes, ...], what: str) -> bytes:
    data = read_bytes(path)
    if not any(mark in data for mark in marks):
        hint = "a PFX file is named in a list: --ssl-client-cert-list" if data.startswith(_DER) else ""
        raise LoadError(f"holds no {what} in PEM form", where=str(path), hint=hint)
    return data


def _load_pfx(context: ssl.SSLContext, path: Path, passphrase: str | None) -> None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        pkcs12,
    )

    data = read_bytes(path)
    try:
        key, cert, others = pkcs12.load_key_and_certificates(data, passphrase.encode() if passphrase else None)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_opened(path, passphrase, error) from error
    if key is None or cert is None:
        raise LoadError(f"holds no {'private key' if cert else 'certificate'}", where=str(path))
    # OpenSSL takes them from a file only, where the key must not lie open.
    password = secrets.token_hex(32)
    chain = [one.public_bytes(Encoding.PEM) for one in (cert, *others)]
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())) + b"".join(chain)
    with TemporaryDirectory(prefix="pabal-") as folder:
        pem = Path(folder, "client.pem")
        pem.write_bytes(text)
        try:
            context.load_cert_chain(pem, password=password)
        except ssl.SSLError as error:
            raise _unusable(path, error) from error


def _locked(path: Path, passphrase: str | None) -> LoadError:
    what = "is not opened by the passphrase" if passphrase else "is protected by a passphrase"
    hint = "give it with --ssl-client-passphrase, or as passphrase in the list of certificates"
    return LoadError(what, where=str(path), hint=hint)


def _not_opened(path: Path, passphrase: str | None, error: Exception) -> LoadError:
    if "password" in str(error).lower():
        return _locked(path, passphrase)
    return LoadError(f"is no PFX (PKCS#12) file that can be read: {error}", where=str(path))


def _unusable(path: Path, error: Exception) -> LoadError:
    return LoadError(f"cannot be used: {_reason(error)}", where=str(path))


def _reason(error: Exception) -> str:
    """OpenSSL's word for what is wrong; for what it cannot read at all it has none."""
    if isinstance(error, ssl.SSLError):
        return error.reason.replace("_", " ").lower() if error.reason else _DAMAGED
    return str(error)
