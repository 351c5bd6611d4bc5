"""What options say of the world outside: where files come from, what puts requests on the wire, and with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.model import Cookie, Prepared, Response
from runner.options import Options
from runner.sources import Sources

if TYPE_CHECKING:  # imported when something is to be sent
    from runner.cookies import Jar
    from runner.transport import Transport

_FETCH_TIMEOUT = 60_000


def open_sources(options: Options) -> Sources:
    """Where the files of a run are read; nothing is fetched before it is asked for."""

    def send(prepared: Prepared) -> Response:
        from runner import cookies
        from runner.door import Door

        # The collection decides which extensions there are, so that there is none yet: these are GETs of the user's own.
        with closing(transport(options, cookies.Jar(), tls_files(options))) as sender:
            return Door(sender).send(prepared, "source", options.settings.request_timeout or _FETCH_TIMEOUT)

    return Sources(send=send, stdin=options.stdin, api_key=options.postman_api_key, api=options.postman_api)


def transport(options: Options, jar: Jar, files: Mapping[str, Any]) -> Transport:
    """What puts requests on the wire; `files` are those of TLS."""
    from runner.transport import Transport

    return Transport(
        jar=jar,
        verify=not options.insecure,
        follow_redirects=not options.ignore_redirects,
        environ=options.environ,
        limit=options.max_response_size,
        **files,
    )


def first_cookies(options: Options) -> Sequence[Cookie]:
    """The cookies a run starts with.

    Raises:
        LoadError: their file cannot be read.
    """
    if options.cookie_jar is None:
        return ()
    from runner.cookie_file import load_cookies

    return load_cookies(options.cookie_jar)


def tls_files(options: Options) -> Mapping[str, Any]:
    """Certificates of the client and authorities to trust, as the transport takes them."""
    given = (options.ssl_client_cert, options.ssl_client_key, options.ssl_client_passphrase, options.ssl_client_cert_list)
    if not any((*given, options.ssl_extra_ca_certs)):
        return {}
    from runner.transport.certificates import client_certificates, extra_roots

    cert, key, passphrase, listed = given
    folder = Path(options.working_dir)
    found = client_certificates(listed=listed, cert=cert, key=key, passphrase=passphrase, folder=folder)
    return {"certificates": found, "extra_roots": extra_roots(options.ssl_extra_ca_certs, folder)}
