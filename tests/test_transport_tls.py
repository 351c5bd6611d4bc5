"""TLS: certificates of the client by URL, authorities of the user's own, and what protocolProfileBehavior says."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509 import CertificateBuilder, Name, NameAttribute, load_pem_x509_certificates
from cryptography.x509.oid import NameOID

from runner.assemble import run
from runner.cookies import Jar
from runner.errors import LoadError, PabalError, SendError, UsageError
from runner.events import RequestSent
from runner.load import collection_from_json
from runner.model import Prepared, Response
from runner.options import Options
from runner.transport import Transport
from runner.transport.certificates import client_certificates, extra_roots
from runner.transport.message import locate
from runner.transport.patterns import UrlPattern
from tests.servers import Recorder, answer

PASSPHRASE = "open sesame"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority's certificate and those of two clients, alice and bob, in every form."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = authority.issue_cert("127.0.0.1", "127.0.0.2", "localhost", "::1")
    server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    for name in ("alice", "bob"):
        write_client(folder, name, authority.issue_cert(f"{name}@example.com", common_name=name))
    (folder / "text.pem").write_text("no certificate at all\n")
    for kind in ("CERTIFICATE", "PRIVATE KEY"):
        (folder / f"broken {kind}.pem").write_text(f"-----BEGIN {kind}-----\nAAAA\n-----END {kind}-----\n")
    write_others(folder)
    return folder


def write_others(folder: Path) -> None:
    """A key of another kind, and a certificate whose key is too short for today."""
    rsa_key = rsa.generate_private_key(65537, 2048)
    (folder / "rsa.key.pem").write_bytes(rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    weak = rsa.generate_private_key(65537, 1024)
    name, now = Name([NameAttribute(NameOID.COMMON_NAME, "weak")]), datetime.now(UTC)
    builder = CertificateBuilder().subject_name(name).issuer_name(name).public_key(weak.public_key()).serial_number(1)
    cert = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(weak, SHA256())
    (folder / "weak.pfx").write_bytes(pkcs12.serialize_key_and_certificates(b"weak", weak, cert, None, NoEncryption()))
    bare = pkcs12.serialize_key_and_certificates(b"bare", None, cert, None, NoEncryption())
    (folder / "keyless.pfx").write_bytes(bare)


def write_client(folder: Path, name: str, made: trustme.LeafCert) -> None:
    key = load_pem_private_key(made.private_key_pem.bytes(), None)
    cert, *others = load_pem_x509_certificates(b"".join(blob.bytes() for blob in made.cert_chain_pems))
    lock = BestAvailableEncryption(PASSPHRASE.encode())
    made.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}.both.pem")
    made.private_key_pem.write_to_path(folder / f"{name}.key.pem")
    made.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    (folder / f"{name}.locked.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    pfx = pkcs12.serialize_key_and_certificates(name.encode(), key, cert, others, lock)  # type: ignore[arg-type]
    (folder / f"{name}.pfx").write_bytes(pfx)


Serve = Callable[..., Recorder]


@pytest.fixture
def serve(files: Path) -> Iterator[Serve]:
    """Start an https server; `ask` makes it want a client's certificate."""
    started: list[Recorder] = []

    def start(*, ask: bool = False, newest: ssl.TLSVersion | None = None, host: str = "127.0.0.1") -> Recorder:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files / "server.pem")
        if newest:
            context.maximum_version = newest
        if ask:
            context.load_verify_locations(files / "ca.pem")
            context.verify_mode = ssl.CERT_REQUIRED
        started.append(Recorder(host=host, tls=context))
        return started[-1].__enter__()

    yield start
    for server in started:
        server.__exit__()


def send(url: str, files: Path, *, certificates: Any = (), verify: bool = True, **behavior: Any) -> Response:
    transport = Transport(jar=Jar(), certificates=certificates, extra_roots=files / "ca.pem", verify=verify)
    with closing(transport):
        return transport.send(Prepared(method="GET", url=url, behavior=behavior), timeout=5000)


def certificates(files: Path, entries: Any = None, **single: str | None) -> Any:
    """What the command makes of a list and of the options for a single certificate."""
    listed = None
    if entries is not None:
        (files / "list.json").write_text(entries if isinstance(entries, str) else json.dumps(entries))
        listed = str(files / "list.json")
    given = {"cert": None, "key": None, "passphrase": None} | single
    return client_certificates(listed=listed, folder=files, **given)


def entry(matches: Any, name: str, **more: Any) -> dict[str, Any]:
    return {"matches": [matches], "cert": {"src": f"{name}.pem"}, "key": {"src": f"{name}.key.pem"}, **more}


# ---------------------------------------------------------------------------------------------------------- certificates


@pytest.mark.parametrize(
    "single",
    [
        {"cert": "alice.pem", "key": "alice.key.pem"},
        {"cert": "alice.both.pem"},
        {"cert": "alice.pem", "key": "alice.locked.pem", "passphrase": PASSPHRASE},
    ],
)
def test_the_client_shows_its_certificate(serve: Serve, files: Path, single: dict[str, str]) -> None:
    server = serve(ask=True)
    assert send(server.url(), files, certificates=certificates(files, **single)).code == 200
    assert server.clients == ["alice"]


def test_a_certificate_from_a_pfx_file_leaves_no_key_behind(serve: Serve, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(files / "temporary"))
    server = serve(ask=True)
    found = certificates(files, [{"matches": ["<all_urls>"], "pfx": {"src": "bob.pfx"}, "passphrase": PASSPHRASE}])
    assert send(server.url(), files, certificates=found).code == 200
    assert server.clients == ["bob"]
    assert list((files / "temporary").iterdir()) == []


def test_the_options_of_a_run_reach_the_wire_from_the_working_directory(serve: Serve, files: Path) -> None:
    server = serve(ask=True)
    options = Options(
        working_dir=files,
        ssl_client_cert="alice.pem",
        ssl_client_key="alice.locked.pem",
        ssl_client_passphrase=PASSPHRASE,
        ssl_extra_ca_certs="ca.pem",
    )
    item = {"name": "R", "request": server.url(f"/?phrase={PASSPHRASE}")}
    seen = list(run(collection_from_json({"info": {"name": "C"}, "item": [item]}), options))
    assert [event.response.code for event in seen if isinstance(event, RequestSent) and event.response] == [200]
    assert server.clients == ["alice"]
    assert PASSPHRASE not in repr(options) and PASSPHRASE.replace(" ", "%20") not in repr(seen)


def test_without_a_certificate_the_error_says_what_is_missing(serve: Serve, files: Path) -> None:
    with pytest.raises(SendError) as caught:
        send(serve(ask=True).url(), files)
    assert caught.value.code == "EPROTO"
    assert "certificate required" in caught.value.what
    assert "--ssl-client-cert" in caught.value.hint


def test_the_first_that_matches_wins_and_the_single_one_comes_last(serve: Serve, files: Path) -> None:
    server = serve(ask=True)
    entries = [
        entry("https://elsewhere.example/*", "bob"),
        entry(f"https://127.0.0.1:{server.port}/bob/*", "bob"),
        entry(f"https://127.0.0.1:{server.port}/bob/*", "alice"),
    ]
    found = certificates(files, entries, cert="alice.both.pem")
    with closing(Transport(jar=Jar(), certificates=found, extra_roots=files / "ca.pem")) as transport:
        for path in ("/bob/1?x=/", "/alice", "/bob/2"):
            transport.send(Prepared(method="GET", url=server.url(path)))
    assert server.clients == ["bob", "alice"]
    assert [request.connection for request in server.requests] == [0, 1, 0]


def test_a_redirect_to_another_host_chooses_its_certificate_anew(serve: Serve, files: Path) -> None:
    here, there = serve(ask=True), serve(host="127.0.0.2")
    here.answers(answer(302, [("Location", there.url("/there"))]))
    found = certificates(files, [entry("https://127.0.0.1:*/*", "alice")])
    assert send(here.url(), files, certificates=found).url == there.url("/there")
    assert (here.clients, there.clients) == (["alice"], [""])


@pytest.mark.parametrize(("keep", "authorization"), [(False, []), (True, ["Basic x"])])
def test_secrets_do_not_follow_a_redirect_into_the_open(
    serve: Serve, files: Path, recorder: Recorder, keep: bool, authorization: list[str]
) -> None:
    server = serve()
    server.answers(answer(302, [("Location", recorder.url("/open"))]))
    headers = (("Authorization", "Basic x"), ("Cookie", "user=1"), ("X-Mine", "1"))
    with closing(Transport(jar=Jar(), extra_roots=files / "ca.pem")) as transport:
        behavior = {"followAuthorizationHeader": keep}
        transport.send(Prepared(method="GET", url=server.url(), headers=headers, behavior=behavior))
    assert [recorder.last.values(name) for name in ("Authorization", "Cookie", "X-Mine")] == [authorization, [], ["1"]]


def test_plain_http_asks_for_no_certificate(recorder: Recorder, files: Path) -> None:
    assert send(recorder.url(), files, certificates=certificates(files, cert="alice.both.pem")).code == 200


@pytest.mark.parametrize(
    ("pattern", "url", "wanted"),
    [
        ("<all_urls>", "https://a.example:8443/x?y", True),
        ("https://a.example/*", "https://a.example/x", True),
        ("https://a.example/*", "https://A.EXAMPLE", True),
        ("https://a.example/*", "https://a.example:8443/x", False),
        ("https://a.example:8443/*", "https://a.example:8443/x", True),
        ("https://a.example:*/*", "https://a.example:8443/x", True),
        ("https://a.example:443/*", "https://a.example/x", True),
        ("https://*.a.example/*", "https://a.example/x", True),
        ("https://*.a.example/*", "https://b.c.a.example/x", True),
        ("https://*.a.example/*", "https://ba.example/x", False),
        ("*://*/api/*/end", "https://h/api/1/end?q=1", True),
        ("*://*/api/*/end", "https://h/api/1/end/more", False),
        ("https://h/v?/[x]", "https://h/v2/[x]", True),
        ("https://h/v?/[x]", "https://h/v2/x", False),
        ("http+ftp://h/*", "https://h/x", False),
        ("http+https://h/*", "https://h/x", True),
        ("https://[::1]:8443/*", "https://[::1]:8443/x", True),
    ],
)
def test_url_patterns(pattern: str, url: str, wanted: bool) -> None:
    assert UrlPattern.of(pattern).matches(locate(url)) is wanted


# ------------------------------------------------------------------------------------------------------------- bad files


@pytest.mark.parametrize(
    ("single", "place", "what"),
    [
        ({"cert": "none.pem"}, "none.pem", "cannot be read: No such file"),
        ({"cert": "alice.pem", "key": "none.pem"}, "none.pem", "cannot be read: No such file"),
        ({"cert": "text.pem"}, "text.pem", "holds no certificate in PEM form"),
        ({"cert": "alice.pem"}, "alice.pem", "holds no private key in PEM form"),
        ({"cert": "alice.pem", "key": "bob.key.pem"}, "bob.key.pem", "is not the key of "),
        ({"cert": "alice.pem", "key": "rsa.key.pem"}, "rsa.key.pem", "is not the key of "),
        ({"cert": "alice.pem", "key": "broken PRIVATE KEY.pem"}, "broken PRIVATE KEY.pem", "cannot be used: it is damaged"),
        (
            {"cert": "alice.pem", "key": "alice.locked.pem", "passphrase": "x" * 2000},
            "alice.locked.pem",
            "cannot be used: password cannot be longer",
        ),
        ({"cert": "alice.pem", "key": "alice.locked.pem"}, "alice.locked.pem", "is protected by a passphrase"),
        (
            {"cert": "alice.pem", "key": "alice.locked.pem", "passphrase": "wrong"},
            "alice.locked.pem",
            "is not opened by the passphrase",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(files: Path, single: Any, place: str, what: str) -> None:
    with pytest.raises(LoadError) as caught:
        certificates(files, **single)
    assert (caught.value.where, caught.value.what[: len(what)]) == (str(files / place), what)


def test_a_pfx_file_in_the_place_of_a_pem_file_is_told_where_it_goes(files: Path) -> None:
    with pytest.raises(LoadError) as caught:
        certificates(files, cert="alice.pfx", passphrase=PASSPHRASE)
    assert (caught.value.what, "--ssl-client-cert-list" in caught.value.hint) == ("holds no certificate in PEM form", True)


@pytest.mark.parametrize("single", [{"key": "alice.key.pem"}, {"passphrase": "x"}])
def test_a_key_without_its_certificate_is_wrong_usage(files: Path, single: Any) -> None:
    with pytest.raises(UsageError, match="needs the certificate it belongs to"):
        certificates(files, **single)


PFX = {"matches": ["<all_urls>"], "pfx": {"src": "alice.pfx"}}


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ("[", "list.json: is not valid JSON"),
        ({}, "list.json: expected a list, found an object"),
        ([1], "list.json: certificate 1: expected an object, found a number"),
        ([entry("*://*/*", "alice"), {"matches": []}], "list.json: certificate 2: names no file with a certificate"),
        ([entry("*://*/*", "alice") | {"matches": "x"}], "list.json: certificate 1 › matches: expected a list, found text"),
        ([entry(7, "alice")], "list.json: certificate 1 › matches: expected URL patterns, found a number"),
        ([entry("https://h", "alice")], 'list.json: certificate 1 › matches: "https://h" is no URL pattern'),
        ([entry("*://*/*", "alice", passphrase=5)], "list.json: certificate 1 › passphrase: expected text, found a number"),
        ([entry("*://*/*", "alice", key={"src": 5})], 'list.json: certificate 1 › key: expected {"src": PATH}, found a number'),
        ([PFX], "alice.pfx: is protected by a passphrase"),
        ([PFX | {"passphrase": "wrong"}], "alice.pfx: is not opened by the passphrase"),
        ([PFX | {"pfx": "weak.pfx"}], "weak.pfx: cannot be used: ee key too small"),
        ([PFX | {"pfx": "keyless.pfx"}], "keyless.pfx: holds no "),
        ([PFX | {"pfx": "a\0b"}], "cannot be read: no file can be called"),
        ([{"pfx": "alice.pfx", "passphrase": PASSPHRASE}], "list.json: certificate 1: matches no URL"),
        ([PFX | {"pfx": "text.pem"}], "text.pem: is no PFX (PKCS#12) file that can be read"),
    ],
)
def test_a_malformed_list_names_the_place(files: Path, entries: Any, text: str) -> None:
    with pytest.raises(PabalError) as caught:
        certificates(files, entries)
    assert text in str(caught.value)
    assert isinstance(caught.value, LoadError)


@pytest.mark.parametrize(("name", "what"), [("none.pem", "cannot be read"), ("text.pem", "holds no certificate in PEM form")])
def test_authorities_that_cannot_be_read(files: Path, name: str, what: str) -> None:
    with pytest.raises(LoadError, match=what):
        extra_roots(name, files)


def test_a_broken_certificate_among_the_authorities(files: Path) -> None:
    with pytest.raises(LoadError, match="cannot be used: "):
        extra_roots("broken CERTIFICATE.pem", files)


def test_authorities_are_trusted_beside_the_usual_ones(serve: Serve, files: Path) -> None:
    server = serve()
    with closing(Transport(jar=Jar())) as transport, pytest.raises(SendError) as caught:
        transport.send(Prepared(method="GET", url=server.url()))
    assert caught.value.code == "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"
    assert send(server.url(), files).code == 200


# --------------------------------------------------------------------------------------------- protocolProfileBehavior


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
SUITE = "ECDHE-ECDSA-AES128-SHA256"


@pytest.mark.parametrize(
    ("behavior", "protocol", "cipher"),
    [
        ({}, "TLSv1.3", None),
        ({"tlsDisabledProtocols": ["TLSv1_3"]}, "TLSv1.2", None),
        ({"tlsDisabledProtocols": ["TLSv1_2", "TLSv9"]}, "TLSv1.3", None),
        ({"tlsCipherSelection": [SUITE]}, "TLSv1.3", None),
        ({"tlsCipherSelection": [SUITE], "tlsDisabledProtocols": ["TLSv1_3"]}, "TLSv1.2", SUITE),
        ({"tlsCipherSelection": [SUITE, "TLS_AES_128_GCM_SHA256"]}, "TLSv1.3", None),
        ({"tlsCipherSelection": ["TLS_AES_128_GCM_SHA256"]}, "TLSv1.3", None),
        ({"tlsPreferServerCiphers": True}, "TLSv1.3", None),
    ],
)
def test_protocols_and_ciphers(serve: Serve, files: Path, behavior: Any, protocol: str, cipher: str | None) -> None:
    server = serve()
    assert send(server.url(), files, **behavior).code == 200
    assert server.ciphers[0][1] == protocol
    assert cipher in (None, server.ciphers[0][0])


@pytest.mark.parametrize(
    ("newest", "behavior", "code"),
    [
        (V13, {"tlsDisabledProtocols": ["TLSv1_2", "TLSv1_3"]}, "EPROTO"),
        (V12, {"tlsDisabledProtocols": ["TLSv1_2"]}, "EPROTO"),
        (V12, {"tlsCipherSelection": ["TLS_AES_128_GCM_SHA256"]}, "EPROTO"),
        (V13, {"tlsCipherSelection": ["ROT13"]}, "ERR_SSL_NO_CIPHER_MATCH"),
    ],
)
def test_nothing_in_common_is_an_error(serve: Serve, files: Path, newest: Any, behavior: Any, code: str) -> None:
    server = serve(newest=newest)
    with pytest.raises(SendError) as caught:
        send(server.url(), files, **behavior)
    assert caught.value.code == code
    assert server.requests == []


def test_requests_of_different_behavior_share_no_connection(serve: Serve, files: Path) -> None:
    server = serve()
    with closing(Transport(jar=Jar(), extra_roots=files / "ca.pem")) as transport:
        for behavior in ({}, {"tlsDisabledProtocols": ["TLSv1_3"]}, {"maxRedirects": 3}, {"strictSSL": False}):
            transport.send(Prepared(method="GET", url=server.url(), behavior=behavior))
    assert [request.connection for request in server.requests] == [0, 1, 0, 2]
