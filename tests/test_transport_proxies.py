"""Proxies: which requests go through one, what it is told, and what it must not tell others."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from runner.cookies import Jar
from runner.errors import SendError
from runner.model import Prepared, Response
from runner.transport import Transport
from runner.transport.certificates import client_certificates
from runner.transport.message import locate
from runner.transport.proxies import proxy_for
from tests.servers import Answer, Recorder, answer
from tests.test_transport_connections import closed_port

BASIC = "Basic bWU6cEBzcw=="
"""me:p@ss"""


class Tunnel:
    """A proxy that only tunnels. It keeps the head of each CONNECT; with `tls` it is spoken to over TLS."""

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[list[str]] = []
        self._tls = tls
        self._listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError), closing(sock):
            sock = self._tls.wrap_socket(sock, server_side=True) if self._tls else sock
            self.asked.append(sock.recv(65536).decode().rstrip("\r\n").split("\r\n"))
            host, _, port = self.asked[-1][0].split(" ")[1].rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port))) as far:
                self._open += [sock, far]
                sock.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
                back = self._start(_pump, far, sock)
                _pump(sock, far)
                back.join(5)
            sock.close()

    def _start(self, target: Callable[..., None], *args: Any) -> threading.Thread:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()
        return self._threads[-1]

    def close(self) -> None:
        for sock in (self._listener, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in list(self._threads):
            thread.join(5)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, a server's certificate of it and a client's."""
    folder = tmp_path_factory.mktemp("proxies")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    authority.issue_cert("127.0.0.1", "::1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    made = authority.issue_cert("a@example.com", common_name="alice")
    made.private_key_and_cert_chain_pem.write_to_path(folder / "alice.pem")
    return folder


def server_tls(files: Path, *, ask: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem")
    if ask:
        context.load_verify_locations(files / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
def far(files: Path) -> Iterator[Recorder]:
    """An https server."""
    with Recorder(tls=server_tls(files)) as server:
        yield server


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    with closing(Tunnel()) as proxy:
        yield proxy


def send(url: str, environ: dict[str, str], *, headers: Any = (), timeout: float = 5000, **transport: Any) -> Response:
    with closing(Transport(jar=Jar(), environ=environ, **transport)) as sender:
        return sender.send(Prepared(method="GET", url=url, headers=headers), timeout=timeout)


def failure(url: str, environ: dict[str, str], **more: Any) -> SendError:
    with pytest.raises(SendError) as caught:
        send(url, environ, **more)
    return caught.value


# ------------------------------------------------------------------------------------------------------------ plain http


def test_plain_http_asks_the_proxy_for_the_whole_url(recorder: Recorder) -> None:
    environ = {"http_proxy": f"me:p%40ss@127.0.0.1:{recorder.port}"}
    with closing(Transport(jar=Jar(), environ=environ)) as transport:
        body = b"a\r\n\r\nb"
        headers = (("Host", "far.example"), ("Content-Length", str(len(body))))
        url = "http://far.example/a%b?{{x}}#f"
        response = transport.send(Prepared(method="POST", url=url, headers=headers, body=body))
    assert recorder.last.line == "POST http://far.example/a%b?{{x}} HTTP/1.1"
    assert recorder.last.body == body
    assert recorder.last.headers == (*headers, ("Proxy-Authorization", BASIC))
    assert response.sent and response.sent.header("Proxy-Authorization") is None


def test_what_the_user_tells_the_proxy_wins(recorder: Recorder) -> None:
    environ = {"HTTP_PROXY": f"http://me:pw@127.0.0.1:{recorder.port}"}
    send("http://far.example/", environ, headers=(("proxy-authorization", "Bearer mine"),))
    assert recorder.last.values("Proxy-Authorization") == ["Bearer mine"]


def test_one_connection_to_the_proxy_serves_all_hosts(recorder: Recorder) -> None:
    with closing(Transport(jar=Jar(), environ={"HTTP_PROXY": f"http://127.0.0.1:{recorder.port}"})) as transport:
        for host in ("a.example", "b.example"):
            transport.send(Prepared(method="GET", url=f"http://{host}/"))
    assert [(request.target, request.connection) for request in recorder.requests] == [
        ("http://a.example/", 0),
        ("http://b.example/", 0),
    ]


def test_a_redirect_to_a_bypassed_host_leaves_the_proxy(recorder: Recorder) -> None:
    with Recorder(host="127.0.0.2") as near:
        environ = {"HTTP_PROXY": f"http://me:pw@127.0.0.1:{recorder.port}", "NO_PROXY": "127.0.0.2"}
        recorder.answers(answer(302, [("Location", near.url("/near"))]))
        send("http://far.example/", environ)
    assert (near.last.target, near.last.values("Proxy-Authorization")) == ("/near", [])
    assert [request.target for request in recorder.requests] == ["http://far.example/"]


# ---------------------------------------------------------------------------------------------------------------- CONNECT


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])
def test_https_goes_through_a_tunnel(far: Recorder, files: Path, tunnel: Tunnel, name: str) -> None:
    environ = {name: f"http://me:p%40ss@127.0.0.1:{tunnel.port}"}
    assert send(far.url("/far"), environ, extra_roots=files / "ca.pem").code == 200
    assert (far.last.target, far.last.values("Proxy-Authorization")) == ("/far", [])
    (asked,) = tunnel.asked
    assert asked[0].startswith(f"CONNECT 127.0.0.1:{far.port} HTTP/1.")
    assert f"Host: 127.0.0.1:{far.port}" in asked and f"Proxy-Authorization: {BASIC}" in asked


def test_the_servers_of_a_tunnel_do_not_see_what_is_meant_for_the_proxy(far: Recorder, files: Path, tunnel: Tunnel) -> None:
    environ = {"HTTPS_PROXY": f"http://127.0.0.1:{tunnel.port}"}
    headers = (("X-A", "1"), ("Proxy-Authorization", "Bearer mine"))
    send(far.url(), environ, headers=headers, extra_roots=files / "ca.pem")
    assert "Proxy-Authorization: Bearer mine" in tunnel.asked[0]
    assert (far.last.values("X-A"), far.last.values("Proxy-Authorization")) == (["1"], [])


def test_https_has_a_proxy_of_its_own(far: Recorder, files: Path, tunnel: Tunnel, recorder: Recorder) -> None:
    environ = {"HTTP_PROXY": f"http://127.0.0.1:{recorder.port}", "HTTPS_PROXY": f"127.0.0.1:{tunnel.port}"}
    send(far.url(), environ, extra_roots=files / "ca.pem")
    assert (len(tunnel.asked), len(recorder.requests)) == (1, 0)
    send("http://far.example/", environ)
    assert (len(tunnel.asked), len(recorder.requests)) == (1, 1)


def test_a_tunnel_is_kept_and_carries_the_clients_certificate(files: Path, tunnel: Tunnel) -> None:
    found = client_certificates(listed=None, cert="alice.pem", key=None, passphrase=None, folder=files)
    environ = {"HTTPS_PROXY": f"http://127.0.0.1:{tunnel.port}"}
    with Recorder(tls=server_tls(files, ask=True)) as far:
        transport = Transport(jar=Jar(), environ=environ, certificates=found, extra_roots=files / "ca.pem")
        with closing(transport):
            timings = [transport.send(Prepared(method="GET", url=far.url())).timings for _ in range(2)]
    assert (far.clients, len(tunnel.asked)) == (["alice"], 1)
    assert timings[0].tls > 0 and timings[1].tls == 0


def test_a_certificate_is_verified_through_a_tunnel_too(far: Recorder, tunnel: Tunnel) -> None:
    environ = {"HTTPS_PROXY": f"http://127.0.0.1:{tunnel.port}"}
    assert failure(far.url(), environ).code == "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
    assert send(far.url(), environ, verify=False).code == 200


def test_ipv6_in_front_of_and_behind_a_proxy(files: Path) -> None:
    with Recorder(host="::1", tls=server_tls(files)) as far, closing(Tunnel(host="::1")) as proxy:
        environ = {"HTTPS_PROXY": f"http://[::1]:{proxy.port}"}
        assert send(far.url("/six"), environ, extra_roots=files / "ca.pem").code == 200
        assert proxy.asked[0][0].startswith(f"CONNECT [::1]:{far.port} ")


# ------------------------------------------------------------------------------------------------ proxies that speak TLS


def test_a_proxy_may_be_spoken_to_over_tls(files: Path) -> None:
    with Recorder(tls=server_tls(files)) as proxy:
        environ = {"HTTP_PROXY": f"https://me:p%40ss@127.0.0.1:{proxy.port}"}
        assert send("http://far.example/x", environ, extra_roots=files / "ca.pem").code == 200
        assert (proxy.last.target, proxy.last.values("Proxy-Authorization")) == ("http://far.example/x", [BASIC])
        assert failure("http://far.example/x", environ).code == "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
        assert send("http://far.example/x", environ, verify=False).code == 200


def test_tls_within_the_tls_of_a_proxy(far: Recorder, files: Path) -> None:
    far.answers(answer(body=b"x" * 100_000))
    with closing(Tunnel(tls=server_tls(files))) as proxy:
        environ = {"HTTPS_PROXY": f"https://me:p%40ss@127.0.0.1:{proxy.port}"}
        transport = Transport(jar=Jar(), environ=environ, extra_roots=files / "ca.pem")
        with closing(transport):
            bodies = [transport.send(Prepared(method="GET", url=far.url())).body for _ in range(2)]
            far.answers(answer(pause=0.8))
            with pytest.raises(SendError, match="ESOCKETTIMEDOUT"):
                transport.send(Prepared(method="GET", url=far.url()), timeout=200)
        assert f"Proxy-Authorization: {BASIC}" in proxy.asked[0]
        assert len(proxy.asked) == 1
    assert bodies == [b"x" * 100_000, b"{}"]


# ----------------------------------------------------------------------------------------------------------------- bypass


@pytest.mark.parametrize(
    ("exempt", "url", "bypassed"),
    [
        ("", "http://a.example/", False),
        ("*", "http://a.example/", True),
        ("x,*", "http://a.example/", False),
        ("a.example", "http://a.example/", True),
        (".example", "https://a.example/", True),
        ("EXAMPLE ", "http://A.example/", True),
        ("x, a.example", "http://b.a.example/", True),
        ("a.example", "http://ba.example/", False),
        ("a.example:80", "http://a.example/", True),
        ("a.example:443", "https://a.example/", True),
        ("a.example:443", "http://a.example/", False),
        ("a.example:8080", "http://a.example:8080/", True),
        ("a.example:", "http://a.example/", False),
        ("::1", "http://[::1]:8080/", True),
        ("[::1]", "http://[::1]:8080/", True),
        ("[::1]:8080", "http://[::1]:8080/", True),
        ("[::1]:80", "http://[::1]:8080/", False),
        (",", "http://a.example/", False),
    ],
)
def test_hosts_that_need_no_proxy(exempt: str, url: str, bypassed: bool) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        assert (proxy_for(locate(url), {"HTTP_PROXY": "proxy:1", name: exempt}) is None) is bypassed


def test_a_bypassed_host_is_reached_and_the_proxy_hears_nothing(far: Recorder, files: Path, recorder: Recorder) -> None:
    with Recorder() as proxy:
        environ = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "127.0.0.1"}
        assert send(recorder.url("/near"), environ).code == 200
        assert send(far.url("/near"), environ, extra_roots=files / "ca.pem").code == 200
        assert proxy.connections == 0
    assert (recorder.last.target, far.last.target) == ("/near", "/near")


# --------------------------------------------------------------------------------------------------------------- failures

NO_TUNNEL = "tunneling socket could not be established, "


@pytest.mark.parametrize(("scheme", "code"), [("http", "ECONNREFUSED"), ("https", "ECONNRESET")])
def test_a_proxy_that_is_not_there(scheme: str, code: str) -> None:
    port = closed_port()
    error = failure(f"{scheme}://far.example/", {"HTTP_PROXY": f"http://me:secret@127.0.0.1:{port}"})
    cause = f"connect ECONNREFUSED 127.0.0.1:{port}"
    assert (error.code, error.what) == (code, cause if scheme == "http" else f"{NO_TUNNEL}cause={cause}")
    assert "HTTP_PROXY" in error.hint and "secret" not in str(error)


def test_a_proxy_whose_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def lookup(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    error = failure("http://far.example/", {"HTTP_PROXY": "http://proxy.invalid:1"})
    assert (error.code, error.what) == ("ENOTFOUND", "getaddrinfo ENOTFOUND proxy.invalid")


@pytest.mark.parametrize(
    ("reply", "code", "what"),
    [
        (answer(407), "ECONNRESET", f"{NO_TUNNEL}statusCode=407"),
        (answer(502), "ECONNRESET", f"{NO_TUNNEL}statusCode=502"),
        (Answer((), close=True), "ECONNRESET", f"{NO_TUNNEL}cause=socket hang up"),
        (Answer((b"hello\r\n\r\n",), close=True), "ECONNRESET", f"{NO_TUNNEL}cause=Parse Error: Expected HTTP/"),
        (answer(length=False, pause=0.9), "ETIMEDOUT", "ETIMEDOUT"),
        (Answer((b"HTTP/1.1 200 OK\r\n\r\n", b"no TLS at all!"), pause=0.02, close=True), "EPROTO", "write EPROTO "),
        (
            Answer((b"HTTP/1.1 200 OK\r\n\r\n",), close=True),
            "ECONNRESET",
            "Client network socket disconnected before secure TLS connection was established",
        ),
    ],
)
def test_a_tunnel_that_comes_to_nothing(recorder: Recorder, reply: Answer, code: str, what: str) -> None:
    recorder.answers(reply)
    error = failure("https://far.example/", {"HTTP_PROXY": f"http://127.0.0.1:{recorder.port}"}, timeout=500)
    assert (error.code, error.what[: len(what)]) == (code, what)
    assert ("password" in error.hint) == what.endswith("407")


def test_a_proxy_that_hangs_up_or_is_slow(recorder: Recorder) -> None:
    environ = {"HTTP_PROXY": f"http://127.0.0.1:{recorder.port}"}
    recorder.answers(Answer((), close=True), answer(pause=0.6))
    assert failure("http://far.example/", environ).what == "socket hang up"
    assert failure("http://far.example/", environ, timeout=200).code == "ESOCKETTIMEDOUT"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "proxy", ["socks5://me:secret@127.0.0.1:1", "http://", "gopher://x", "me:secret@h:99999", "me:secret@h:x"]
)
def test_a_proxy_that_cannot_be_used(recorder: Recorder, proxy: str, scheme: str) -> None:
    error = failure(f"{scheme}://127.0.0.1:{recorder.port}/", {"HTTP_PROXY": proxy})
    assert error.what == "the URL of the proxy cannot be used"
    assert "secret" not in str(error)
    assert recorder.connections == 0
