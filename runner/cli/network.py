"""Options of `pabal run` about how requests leave, in Newman's spelling, and how they become `Options`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rich_click as click

from runner.cli.options import POSITIVE

NETWORK_OPTIONS = (
    click.option("-k", "--insecure", is_flag=True, help="Do not verify TLS certificates.", panel="Network"),
    click.option("--ignore-redirects", is_flag=True, help="A 3xx is the response, it is not followed.", panel="Network"),
    click.option(
        "--ssl-client-cert", metavar="PATH", help="Certificate of the client, for every https URL: PEM.", panel="Network"
    ),
    click.option("--ssl-client-key", metavar="PATH", help="Its private key, if in a file of its own: PEM.", panel="Network"),
    click.option(
        "--ssl-client-passphrase",
        metavar="TEXT",
        help="What opens the private key; best as PABAL_SSL_CLIENT_PASSPHRASE.",
        panel="Network",
    ),
    click.option(
        "--ssl-client-cert-list",
        metavar="PATH",
        help="Certificates by URL, which come first: a JSON list of matches and cert, key or pfx.",
        panel="Network",
    ),
    click.option(
        "--ssl-extra-ca-certs", metavar="PATH", help="Authorities to trust beside the usual ones: PEM.", panel="Network"
    ),
    click.option(
        "--cookie-jar", metavar="PATH", help="Cookies to start with, as --export-cookie-jar writes them.", panel="Network"
    ),
    click.option(
        "--max-response-size", type=POSITIVE, metavar="BYTES", help="No larger body is taken, once decoded.", panel="Network"
    ),
)

_SAME_NAME = (
    "insecure",
    "ignore_redirects",
    "ssl_client_cert",
    "ssl_client_key",
    "ssl_client_passphrase",
    "ssl_client_cert_list",
    "ssl_extra_ca_certs",
    "cookie_jar",
    "max_response_size",
)


def network_from(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Options` that these options fill; those not given are left out."""
    return {name: values[name] for name in _SAME_NAME if values[name]}
