"""Connections: how they are opened, kept, timed out, and how Node's words tell what went wrong."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from time import perf_counter, sleep

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runner.cookies import Jar
from runner.errors import SendError
from runner.model import Prepared, Response
from runner.transport import Transport
from tests.servers import Answer, Recorder, answer

HANG_UP = Answer((), close=True)


@pytest.fixture
def transport() -> Iterator[Transport]:
    sender = Transport(jar=Jar())
    yield sender
    sender.close()


def ask(transport: Transport, url: str, method: str = "GET", timeout: float | None = None, **behavior: object) -> Response:
    return transport.send(Prepared(method=method, url=url, behavior=behavior), timeout=timeout)


def failure(transport: Transport, url: str, method: str = "GET", timeout: float | None = None) -> SendError:
    with pytest.raises(SendError) as caught:
        ask(transport, url, method, timeout)
    return caught.value


def closed_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# ------------------------------------------------------------------------------------------------------------- addresses


def test_nobody_listens(transport: Transport) -> None:
    port = closed_port()
    for host in ("127.0.0.1", "localhost"):
        error = failure(transport, f"http://{host}:{port}/")
        assert (error.code, error.what) == ("ECONNREFUSED", f"connect ECONNREFUSED 127.0.0.1:{port}")
        assert error.hint


def test_no_such_host(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    error = failure(transport, "http://nohost.invalid/")
    assert (error.code, error.what) == ("ENOTFOUND", "getaddrinfo ENOTFOUND nohost.invalid")
    error = failure(transport, "http://{{host}}/")
    assert (error.what, "variable" in error.hint) == ("getaddrinfo ENOTFOUND {{host}}", True)


@pytest.mark.parametrize("timeout", [None, 5000])
def test_no_such_host_within_a_limit_or_without(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, timeout: float | None
) -> None:
    def lookup(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    assert failure(transport, "http://nohost.invalid/", timeout=timeout).what == "getaddrinfo EAI_AGAIN nohost.invalid"


def test_looking_a_name_up_counts_towards_the_limit(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(10))
    start = perf_counter()
    assert failure(transport, "http://slow.example/", timeout=100).code == "ETIMEDOUT"
    assert perf_counter() - start < 2
    over.set()


def test_dns_is_timed_and_all_addresses_are_tried(
    transport: Transport, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(host: str, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        assert host == "two.example"
        return [(0, 0, 0, "", (address, 0)) for address in ("127.0.0.9", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    response = ask(transport, f"http://two.example:{recorder.port}/")
    assert response.timings.dns > 0
    assert recorder.last.values("Host") == [f"two.example:{recorder.port}"]


def test_localhost_is_ipv6_first() -> None:
    six = Recorder(host="::1")
    with six, Recorder(port=six.port) as four, closing(Transport(jar=Jar())) as transport:
        ask(transport, f"http://api.localhost:{six.port}/")
        assert (len(six.requests), len(four.requests)) == (1, 0)


def test_localhost_falls_back_to_ipv4(transport: Transport, recorder: Recorder) -> None:
    assert ask(transport, f"http://localhost:{recorder.port}/").code == 200


def test_ipv6_literals(transport: Transport) -> None:
    with Recorder(host="::1") as server:
        assert ask(transport, server.url("/six")).code == 200
        assert (server.last.target, server.last.values("Host")) == ("/six", [f"[::1]:{server.port}"])


# ----------------------------------------------------------------------------------------------------------- keep-alive


def test_connections_are_kept_and_closed(recorder: Recorder) -> None:
    transport = Transport(jar=Jar())
    recorder.answers(answer(), answer(), answer(headers=[("Connection", "close")]))
    for _ in range(4):
        ask(transport, recorder.url())
    assert [request.connection for request in recorder.requests] == [0, 0, 0, 1]
    transport.close()
    ask(transport, recorder.url())
    assert recorder.last.connection == 2
    transport.close()


def test_a_connection_is_not_used_when_the_server_is_about_to_close_it(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(answer(headers=[("Keep-Alive", "timeout=1, max=9")]), answer(headers=[("Keep-Alive", "timeout=60")]))
    for _ in range(3):
        ask(transport, recorder.url(), "POST")
    assert [request.connection for request in recorder.requests] == [0, 1, 1]


class Fickle:
    """A server that reads a request on a kept connection and hangs up without a word, but answers on a fresh one."""

    def __init__(self, partial: bytes = b"") -> None:
        self.partial = partial
        self.seen: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                with sock:
                    if self._request(sock):
                        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                        if self._request(sock):
                            sock.sendall(self.partial)

    def _request(self, sock: socket.socket) -> bool:
        data = sock.recv(65536)
        if data:
            self.seen.append(data.split(b" ", 1)[0].decode())
        return bool(data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
def test_a_dead_kept_connection_is_replaced_once(transport: Transport, method: str) -> None:
    with closing(Fickle()) as server:
        ask(transport, f"http://127.0.0.1:{server.port}/")
        assert ask(transport, f"http://127.0.0.1:{server.port}/", method).code == 200
        transport.close()
    assert server.seen == ["GET", method, method]


@pytest.mark.parametrize("method", ["POST", "PATCH", "LINK"])
def test_what_may_not_happen_twice_is_never_sent_twice(transport: Transport, method: str) -> None:
    with closing(Fickle()) as server:
        ask(transport, f"http://127.0.0.1:{server.port}/")
        error = failure(transport, f"http://127.0.0.1:{server.port}/", method)
        transport.close()
    assert (error.code, error.what) == ("ECONNRESET", "socket hang up")
    assert server.seen == ["GET", method]


def test_an_answer_that_began_is_not_asked_for_again(transport: Transport) -> None:
    with closing(Fickle(partial=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")) as server:
        ask(transport, f"http://127.0.0.1:{server.port}/")
        assert failure(transport, f"http://127.0.0.1:{server.port}/").what == "aborted"
        transport.close()
    assert server.seen == ["GET", "GET"]


def test_a_fresh_connection_gets_no_second_try(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(HANG_UP)
    error = failure(transport, recorder.url())
    assert (error.code, error.what, len(recorder.requests)) == ("ECONNRESET", "socket hang up", 1)


def test_a_connection_closed_meanwhile_is_noticed_even_for_post(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(Answer(answer().pieces, close=True))
    ask(transport, recorder.url(), "POST")
    sleep(0.1)
    assert ask(transport, recorder.url(), "POST").code == 200
    assert [request.connection for request in recorder.requests] == [0, 1]


# ------------------------------------------------------------------------------------------------------- broken answers


@pytest.mark.parametrize(
    ("raw", "code", "text"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "ECONNRESET", "aborted"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "ECONNRESET", "aborted"),
        (b"garbage\r\n\r\n", "HPE_INVALID_CONSTANT", "Parse Error: Expected HTTP/"),
        (
            b"HTTP/1.1 200 OK\r\nA: 1\r\nno header\r\nB: 2\r\n\r\n",
            "HPE_INVALID_HEADER_TOKEN",
            "Parse Error: Invalid header token",
        ),
        (
            b"HTTP/1.1 200 OK\r\nA: " + b"a" * 70000 + b"\r\n\r\n",
            "HPE_INVALID_RESPONSE",
            "Parse Error: got more than 65536 bytes",
        ),
    ],
)
def test_broken_answers(transport: Transport, recorder: Recorder, raw: bytes, code: str, text: str) -> None:
    recorder.answers(Answer((raw,), close=True))
    error = failure(transport, recorder.url())
    assert (error.code, error.what[: len(text)]) == (code, text)
    assert ask(transport, recorder.url()).code == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nA: x\x01y\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 300 + b"Content-Length: 2\r\n\r\nok",
    ],
)
def test_odd_answers_are_read(transport: Transport, recorder: Recorder, raw: bytes) -> None:
    recorder.answers(Answer((raw,), close=True))
    assert ask(transport, recorder.url()).body == b"ok"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"HTTP/9.9 200 OK\r\nA: 1\r\nContent-Length: 2\r\n\r\nok", "HPE_INVALID_RESPONSE"),
        (b"HTTP/1.1 200 OK\r\n A: 1\r\nContent-Length: 2\r\n\r\nok", "HPE_INVALID_HEADER_TOKEN"),
    ],
)
def test_the_insecure_parser_reads_odder_ones(transport: Transport, recorder: Recorder, raw: bytes, code: str) -> None:
    recorder.answers(Answer((raw,), close=True), Answer((raw,), close=True))
    assert failure(transport, recorder.url()).code == code
    response = ask(transport, recorder.url(), insecureHTTPParser=True)
    assert (response.headers, response.body) == ((("A", "1"), ("Content-Length", "2")), b"ok")


def test_the_insecure_parser_does_not_guess_what_is_no_header(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(Answer((b"HTTP/1.1 200 OK\r\nA: 1\r\nno header\r\n\r\n",), close=True))
    with pytest.raises(SendError, match="Invalid header token"):
        ask(transport, recorder.url(), insecureHTTPParser=True)


def test_an_answer_given_before_the_body_was_read_counts(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1000)
                sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(1 << 20):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        body = b"x" * 4_000_000
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        headers = (("Content-Length", str(len(body))),)
        assert transport.send(Prepared(method="POST", url=url, headers=headers, body=body)).code == 413
        transport.close()
        thread.join(5)


# -------------------------------------------------------------------------------------------------------------- timeouts


def test_a_silent_server_times_out(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(answer(pause=0.5))
    start = perf_counter()
    assert failure(transport, recorder.url(), timeout=100).code == "ESOCKETTIMEDOUT"
    assert perf_counter() - start < 0.4


def test_a_trickling_server_times_out_in_total(transport: Transport, recorder: Recorder) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    recorder.answers(Answer((head, *[b"x"] * 40), pause=0.02))
    start = perf_counter()
    assert failure(transport, recorder.url(), timeout=150).what == "ESOCKETTIMEDOUT"
    assert 0.1 < perf_counter() - start < 0.5


def test_the_time_is_for_all_hops_together(transport: Transport, recorder: Recorder) -> None:
    recorder.routes["/loop"] = answer(302, [("Location", "/loop")], pause=0.05)
    assert failure(transport, recorder.url("/loop"), timeout=180).code == "ESOCKETTIMEDOUT"


@pytest.mark.parametrize("timeout", [None, 0, 5000])
def test_enough_time(transport: Transport, recorder: Recorder, timeout: float | None) -> None:
    recorder.answers(answer(pause=0.05))
    assert ask(transport, recorder.url(), timeout=timeout).code == 200


def test_connecting_has_a_code_of_its_own(transport: Transport) -> None:
    # A listener whose queue is full lets a connection wait for ever.
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        assert failure(transport, f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=100).code == "ETIMEDOUT"


# ------------------------------------------------------------------------------------------------------------------- TLS


def certificate(folder: Path, name: str, *, days: int = 1) -> Path:
    """A self-signed certificate and its key in one file; `name` is a host name or an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    alternative = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=5))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{name}{days}.pem"
    path.write_bytes(secret + built.public_bytes(serialization.Encoding.PEM))
    return path


def tls_server(pem: Path) -> Recorder:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return Recorder(tls=context)


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that is trusted."""
    pem = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setattr("runner.transport.tls.DEFAULT_CA_BUNDLE_PATH", str(pem))
    return pem


def test_a_self_signed_certificate_is_refused(transport: Transport, tmp_path: Path) -> None:
    with tls_server(certificate(tmp_path, "127.0.0.1")) as server:
        error = failure(transport, server.url())
    assert (error.code, error.what) == ("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate")
    assert "-k" in error.hint
    assert server.requests == []


def test_verification_can_be_switched_off_for_all_or_one(transport: Transport, tmp_path: Path) -> None:
    with tls_server(certificate(tmp_path, "127.0.0.1")) as server:
        assert ask(transport, server.url(), strictSSL=False).code == 200
        assert failure(transport, server.url()).code == "DEPTH_ZERO_SELF_SIGNED_CERT"
        with closing(Transport(jar=Jar(), verify=False)) as lenient:
            assert ask(lenient, server.url()).code == 200
            with pytest.raises(SendError):
                ask(lenient, server.url(), strictSSL=True)


def test_a_trusted_server_over_a_kept_tls_connection(transport: Transport, trust: Path) -> None:
    with tls_server(trust) as server:
        first, second = ask(transport, server.url()).timings, ask(transport, server.url()).timings
        assert [request.connection for request in server.requests] == [0, 0]
    assert first.tls > 0
    assert second.tls == 0


def test_a_tls_server_that_trickles_times_out(transport: Transport, trust: Path) -> None:
    with tls_server(trust) as server:
        server.answers(Answer((b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 40), pause=0.02))
        assert failure(transport, server.url(), timeout=200).code == "ESOCKETTIMEDOUT"


def test_a_certificate_for_another_name(
    transport: Transport, trust: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = certificate(tmp_path, "other.example")
    monkeypatch.setattr("runner.transport.tls.DEFAULT_CA_BUNDLE_PATH", str(other))
    with tls_server(other) as server:
        assert failure(transport, server.url()).code == "ERR_TLS_CERT_ALTNAME_INVALID"


def test_an_expired_certificate(transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = certificate(tmp_path, "127.0.0.1", days=-1)
    monkeypatch.setattr("runner.transport.tls.DEFAULT_CA_BUNDLE_PATH", str(old))
    with tls_server(old) as server:
        error = failure(transport, server.url())
    assert (error.code, error.what) == ("CERT_HAS_EXPIRED", "certificate has expired")


def test_tls_to_a_server_that_speaks_plain_http(transport: Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                sock.recv(1000)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        error = failure(transport, f"https://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join(5)
    assert (error.code, error.what) == ("EPROTO", "write EPROTO wrong version number")
    assert "http" in error.hint


# ---------------------------------------------------------------------------------------------------------------- resets


class Resetting:
    """A server that reads a request, sends `first` and then resets the connection, over TLS if there is a context."""

    def __init__(self, first: bytes = b"", tls: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._first, self._tls = first, tls
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):
            sock, _ = self._listener.accept()
            sock = self._tls.wrap_socket(sock, server_side=True) if self._tls else sock
            sock.recv(65536)
            if self._first:
                sock.sendall(self._first)
                sleep(0.1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()

    def close(self) -> None:
        self._listener.close()
        self._thread.join(5)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("first", "over_tls"), [(b"", "socket hang up"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "aborted")]
)
def test_a_reset_connection(transport: Transport, tmp_path: Path, scheme: str, first: bytes, over_tls: str) -> None:
    context = None
    if scheme == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(tmp_path, "127.0.0.1"))
    with closing(Resetting(first, context)) as server, pytest.raises(SendError) as caught:
        ask(transport, f"{scheme}://127.0.0.1:{server.port}/", strictSSL=False)
    # Some versions of OpenSSL make an end of a reset.
    assert caught.value.what in ["read ECONNRESET", over_tls][: 1 + (scheme == "https")]
    assert caught.value.code == "ECONNRESET"
