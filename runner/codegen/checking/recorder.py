"""A server on this machine that keeps what it is sent, plain or TLS on one port, and answers 200 to everything."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder

_TLS = 0x16
_DAY = datetime.timedelta(days=1)
_CHALLENGE = 'Digest realm="pabal", nonce="0123456789abcdef", qop="auth", algorithm=MD5'


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it arrived; `target` is what stood in its first line, `name` the host that TLS was asked for."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    name: str | None


class Recorder:
    """Use as a context manager; `port` is where it listens and `authority` the certificate that clients must trust.

    With `challenge` set, requests without Authorization are asked for digest auth first. `answer` is the body of all answers,
    `statuses` are those of the next ones, then it is 200.
    """

    def __init__(self, folder: Path) -> None:
        self.received: list[Received] = []
        self.challenge = False
        self.answer = b"{}"
        self.statuses: list[int] = []
        self._authority = _Authority(folder)
        self.authority = self._authority.path
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, self._authority.context()))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(recorder: Recorder, context: ssl.SSLContext) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def setup(self) -> None:
            if self.request.recv(1, socket.MSG_PEEK)[:1] == bytes([_TLS]):
                self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            if isinstance(self.request, ssl.SSLSocket):
                self.request.close()

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            method, _, rest = self.raw_requestline.decode("latin-1").rstrip("\r\n").partition(" ")
            received = Received(
                method=method,
                target=rest.rpartition(" ")[0],
                headers=tuple((key, str(value)) for key, value in self.headers.items()),
                body=self._body(),
                name=getattr(self.request, "asked_for", None),
            )
            recorder.received.append(received)
            asks = recorder.challenge and self.headers.get("Authorization") is None
            self.send_response(401 if asks else recorder.statuses.pop(0) if recorder.statuses else 200)
            if asks:
                self.send_header("WWW-Authenticate", _CHALLENGE)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(recorder.answer)))
            self.send_header("Connection", "close")
            self.end_headers()
            if method != "HEAD":
                self.wfile.write(recorder.answer)
            self.close_connection = True

        def _body(self) -> bytes:
            if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
                return b"".join(iter(self._chunk, b""))
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _chunk(self) -> bytes:
            size = int(self.rfile.readline().split(b";")[0], 16)
            data = self.rfile.read(size)
            self.rfile.readline()
            return data

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is logged."""

    return Handler


class _Authority:
    """Makes a certificate for each host that a client asks for."""

    def __init__(self, folder: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._own = self._certificate("pabal", None)
        self.path = self._saved("authority", self._own)
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, host: str = "localhost") -> ssl.SSLContext:
        """TLS as `host`, and as any other that a client names."""
        if host not in self._contexts:
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            made.load_cert_chain(self._saved(f"host{len(self._contexts)}", self._certificate(host, self._own), self._key))
            made.sni_callback = self._named
            self._contexts[host] = made
        return self._contexts[host]

    def _named(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> None:
        vars(connection)["asked_for"] = name
        if name:
            connection.context = self.context(name)

    def _certificate(self, host: str, issuer: Certificate | None) -> Certificate:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host[:64])])
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.subject if issuer else name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        )
        return _extended(builder, self._key, host, issuer).sign(self._key, hashes.SHA256())

    def _saved(self, name: str, certificate: Certificate, key: EllipticCurvePrivateKey | None = None) -> Path:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        path = self._folder / f"{name}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) if key else b""
        path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
        return path


def _extended(
    builder: CertificateBuilder, key: EllipticCurvePrivateKey, host: str, issuer: Certificate | None
) -> CertificateBuilder:
    """With what verification asks for: key identifiers, and the host where it is one."""
    from cryptography import x509

    public = key.public_key()
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    if issuer is None:
        usage = dict.fromkeys(
            ("content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only").split(),
            False,
        )
        signs = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage)
        return builder.add_extension(signs, critical=True)
    try:
        names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(host))]
    except ValueError:
        names = [x509.DNSName(host)]
    return builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
