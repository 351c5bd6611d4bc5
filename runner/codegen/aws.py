"""AWS signatures in generated code, by botocore: in the headers, or in the query."""

from __future__ import annotations

from runner.codegen.code import Frame
from runner.codegen.description import Auth, Description
from runner.codegen.signature import Content, Signature, is_text, joined, switched_on
from runner.codegen.writer import Bracket, Code, Entry, Expression, Tail, Template, call, literal, mapping

_CONTENT_HASH = "X-Amz-Content-Sha256"
_TOKEN = "X-Amz-Security-Token"  # noqa: S105
_EXPIRES = "X-Amz-Expires"
_S3_EXPIRES = "86400"


def awsv4(frame: Frame, auth: Auth, content: Content) -> Signature | None:
    """Signature Version 4 of a request whose body is a text."""
    if not is_text(frame):
        return None
    frame.imports |= {"from botocore.awsrequest import AWSRequest", "from botocore.credentials import Credentials"}
    return _in_query(frame, auth) if switched_on(auth, "addAuthDataToQuery") else _in_headers(frame, auth, content)


def _service(auth: Auth) -> str:
    service = auth.text("service").plain or "execute-api"
    return "ses" if service == "email" else service


def _signer(frame: Frame, auth: Auth, name: str) -> Bracket:
    """What signs for a service in a region."""
    frame.imports.add(f"from botocore.auth import {name}")
    scope = [literal(_service(auth)), literal(auth.text("region").plain or "us-east-1")]
    return Bracket(f"{name}(", (Entry(Code("credentials")), *map(Entry, scope)), ")")


def _credentials(frame: Frame, auth: Auth) -> Bracket:
    names = ("accessKey", "secretKey", "sessionToken")
    return Bracket("Credentials(", tuple(Entry(frame.text(auth.text(name))) for name in names if auth.text(name).parts), ")")


def _request(description: Description, headers: list[tuple[Expression, Expression]]) -> Bracket:
    entries = [Entry(literal(description.method), head="method="), Entry(Code("url"), head="url=")]
    entries += [Entry(Code("payload"), head="data=")] if description.body else []
    entries += [Entry(mapping(headers), head="headers=")] if headers else []
    return Bracket("AWSRequest(", tuple(entries), ")")


def _own_headers(frame: Frame) -> list[tuple[Expression, Expression]]:
    """The headers of the request that AWS wants signed."""
    headers = frame.description.headers
    return [(literal(name), frame.text(value)) for name, value in headers if name.lower().startswith(("content-type", "x-amz-"))]


def _in_headers(frame: Frame, auth: Auth, content: Content) -> Signature:
    description, is_s3 = frame.description, _service(auth) == "s3"
    headers = _own_headers(frame)
    names = ["Authorization", "X-Amz-Date", *([_TOKEN] if auth.text("sessionToken").parts else [])]
    if description.body and not is_s3:
        frame.imports.add("import hashlib")
        headers.append((literal(_CONTENT_HASH), Code(f"hashlib.sha256({content.data}).hexdigest()")))
    names += [_CONTENT_HASH] if description.body or is_s3 else []
    lines = (
        ("signed = ", _request(description, headers)),
        ("credentials = ", _credentials(frame, auth)),
        ("", Tail(_signer(frame, auth, "S3SigV4Auth" if is_s3 else "SigV4Auth"), ".add_auth(signed)")),
    )
    return Signature(lines=lines, headers=tuple((name, Code(f'signed.headers["{name}"]')) for name in names), covers=True)


def _in_query(frame: Frame, auth: Auth) -> Signature:
    """Step by step: botocore's own signers for queries put the body there as well, and lose parameters that come twice."""
    frame.imports |= {"from datetime import UTC, datetime", "from urllib.parse import quote, urlencode"}
    is_s3 = _service(auth) == "s3"
    unsigned = (("canonical = ", Code('canonical.rpartition("\\n")[0] + "\\nUNSIGNED-PAYLOAD"')),) if is_s3 else ()
    lines: tuple[tuple[str, Expression], ...] = (
        ("credentials = ", _credentials(frame, auth)),
        ("signer = ", _signer(frame, auth, "S3SigV4Auth" if is_s3 else "SigV4Auth")),
        ("signed = ", _request(frame.description, _own_headers(frame))),
        ('stamp = signed.context["timestamp"] = ', Code('f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"')),
        ("query = ", _query(frame, auth)),
        ("signed.url = ", Template((Code("url"), joined(frame), Code("urlencode(query, quote_via=quote, safe='~')")))),
        ("canonical = ", Code("signer.canonical_request(signed)")),
        *unsigned,
        ("string = ", call("signer.string_to_sign", Code("signed"), Code("canonical"))),
        ("url = ", Template((Code("signed.url"), "&X-Amz-Signature=", Code("signer.signature(string, signed)")))),
    )
    return Signature(lines=lines, covers=True, in_url=True)


def _query(frame: Frame, auth: Auth) -> Bracket:
    token, address = auth.text("sessionToken"), frame.description.address
    pairs: list[tuple[Expression, Expression]] = [(literal(_TOKEN), frame.text(token))] if token.parts else []
    if _service(auth) == "s3" and f"{_EXPIRES}=" not in str(address.exact.parts):
        pairs.append((literal(_EXPIRES), literal(_S3_EXPIRES)))
    pairs += [
        (literal("X-Amz-Date"), Code("stamp")),
        (literal("X-Amz-Algorithm"), literal("AWS4-HMAC-SHA256")),
        (literal("X-Amz-Credential"), Code("signer.scope(signed)")),
        (literal("X-Amz-SignedHeaders"), Code("signer.signed_headers(signer.headers_to_sign(signed))")),
    ]
    return mapping(pairs, open_always=True)
