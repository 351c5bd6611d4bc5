"""Auth that is worked out when the request is sent: by the library that is known for it, in lines before the call."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from runner.codegen.code import Frame
from runner.codegen.description import Auth, FormBody, JsonBody, Text, TextBody
from runner.codegen.parts import FORM
from runner.codegen.registry import Settings
from runner.codegen.writer import Bracket, Code, Entry, Expression, Tail, Template, call, literal, mapping

_METHOD = "HMAC-SHA1"
_HOUR = 3600
_CONTENT_HASH = "X-Amz-Content-Sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Lines before the call, as what stands before an expression and the expression; and the headers that come of them.

    `covers` says that URL and body are signed, which must then be there as the very texts.
    """

    lines: tuple[tuple[str, Expression], ...] = ()
    headers: tuple[tuple[str, Expression], ...] = ()
    covers: bool = False

    def settings(self, settings: Settings) -> Settings:
        """The settings by which a signed body is written."""
        return replace(settings, body="exact") if self.covers else settings


NONE = Signature()


def signature_of(frame: Frame, *, native: frozenset[str], content: str = "payload.encode()") -> Signature:
    """How a request is signed, where the library of the target has no auth of that type itself (`native` are those it has).

    `content` is the expression for the body's bytes.
    """
    auth = frame.description.auth
    if auth is None or auth.type in native:
        return NONE
    signers = {"jwt": _jwt, "asap": _asap, "oauth1": _oauth1, "hawk": _hawk}
    found = _awsv4(frame, auth, content) if auth.type == "awsv4" else signers.get(auth.type, _unknown)(frame, auth)
    if found is None:
        frame.note("auth", f"this is sent without its {auth.type} auth, which is not to be had here")
    return found or NONE


def _unknown(frame: Frame, auth: Auth) -> None:
    return None


def _texts(frame: Frame, auth: Auth, names: dict[str, str]) -> list[Entry]:
    """Parameters that are set, under the names that a library has for them."""
    return [Entry(frame.text(auth.text(given)), head=f"{name}=") for name, given in names.items() if auth.text(given).parts]


def _switched_on(auth: Auth, name: str) -> bool:
    return auth.text(name).plain not in ("", "false", None)


# --------------------------------------------------------------------------------------------------------------- JWT, ASAP


def _jwt(frame: Frame, auth: Auth) -> Signature | None:
    if auth.text("addTokenTo").plain not in ("", "header"):
        return None
    frame.imports.add("import jwt")
    secret = frame.text(auth.text("secret") if auth.text("secret").parts else auth.text("privateKey"))
    if _switched_on(auth, "isSecretBase64Encoded"):
        frame.imports.add("import base64")
        secret = Bracket("base64.b64decode(", (Entry(secret),), ")")
    entries = [Entry(_object(frame, auth.text("payload"))), Entry(secret)]
    entries.append(Entry(literal(auth.text("algorithm").plain), head="algorithm="))
    headers = _object(frame, auth.text("header"))
    if isinstance(auth.text("header").plain, str):
        # PyJWT says `typ` by itself, Postman only where it is written.
        headers = literal({"typ": None, **json.loads(auth.text("header").plain or "{}")})
    entries.append(Entry(headers, head="headers="))
    prefix = auth.params.get("headerPrefix", Text.of("Bearer"))
    return _token(Bracket("jwt.encode(", tuple(entries), ")"), prefix.plain or "")


def _object(frame: Frame, text: Text) -> Expression:
    """A JSON object as a literal if it has no holes, else parsed when the code runs."""
    plain = text.plain
    if plain is None:
        frame.imports.add("import json")
        return call("json.loads", frame.text(text))
    return literal(json.loads(plain or "{}"))


def _asap(frame: Frame, auth: Auth) -> Signature | None:
    if auth.text("claims").plain not in ("", "{}"):
        return None
    frame.imports |= {"import jwt", "import time", "import uuid"}
    claims: dict[str, Expression] = {name: frame.text(auth.text(name)) for name in ("iss", "aud")}
    claims["sub"] = frame.text(auth.text("sub") if auth.text("sub").parts else auth.text("iss"))
    claims |= {"jti": Code("str(uuid.uuid4())"), "iat": Code("int(time.time())")}
    claims["exp"] = Code(f"int(time.time()) + {auth.text('exp').plain or _HOUR}")
    pairs = mapping(((literal(name), value) for name, value in claims.items()), open_always=True)
    headers = mapping([(literal("kid"), frame.text(auth.text("kid")))])
    algorithm = literal(auth.text("alg").plain or "RS256")
    return _token(call("jwt.encode", pairs, frame.text(auth.text("privateKey")), algorithm=algorithm, headers=headers), "Bearer")


def _token(made: Expression, prefix: str) -> Signature:
    value = Template((f"{prefix} ", Code("token"))) if prefix else Code("token")
    return Signature(lines=(("token = ", made),), headers=(("Authorization", value),))


# ----------------------------------------------------------------------------------------------------------------- OAuth 1


def _oauth1(frame: Frame, auth: Auth) -> Signature | None:
    body = frame.description.body
    is_form = isinstance(body, FormBody)
    place = "AUTH_HEADER" if _switched_on(auth, "addParamsToHeader") else "BODY" if is_form else "QUERY"
    if place == "BODY" or _switched_on(auth, "includeBodyHash"):
        return None
    frame.imports.add("from oauthlib.oauth1 import Client")
    names = {"client_secret": "consumerSecret", "resource_owner_key": "token", "resource_owner_secret": "tokenSecret"}
    names |= {"rsa_key": "privateKey", "realm": "realm", "callback_uri": "callback", "verifier": "verifier"}
    entries = [Entry(frame.text(auth.text("consumerKey"))), *_texts(frame, auth, names)]
    method = auth.text("signatureMethod").plain or _METHOD
    entries += [Entry(literal(method), head="signature_method=")] if method != _METHOD else []
    entries += [Entry(literal("QUERY"), head="signature_type=")] if place == "QUERY" else []
    sign = [Entry(Code("url")), Entry(literal(frame.description.method), head="http_method=")]
    if is_form:
        sign += [
            Entry(Code("payload"), head="body="),
            Entry(mapping([(literal("Content-Type"), literal(FORM))]), head="headers="),
        ]
    client = ("client = ", Bracket("Client(", tuple(entries), ")"))
    signed = Bracket("client.sign(", tuple(sign), ")")
    if place == "QUERY":
        return Signature(lines=(client, ("url, _, _ = ", signed)), covers=True)
    headers = (("Authorization", Code('signed["Authorization"]')),)
    return Signature(lines=(client, ("_, signed, _ = ", signed)), headers=headers, covers=True)


# --------------------------------------------------------------------------------------------------------------- AWS, Hawk


def _awsv4(frame: Frame, auth: Auth, content: str) -> Signature | None:
    if _switched_on(auth, "addAuthDataToQuery") or not _is_text(frame):
        return None
    frame.imports |= {"from botocore.auth import SigV4Auth", "from botocore.awsrequest import AWSRequest"}
    frame.imports.add("from botocore.credentials import Credentials")
    description = frame.description
    kept = [(literal(name), frame.text(value)) for name, value in description.headers if name.lower() == "content-type"]
    names = ["Authorization", "X-Amz-Date", *(["X-Amz-Security-Token"] if auth.text("sessionToken").parts else [])]
    if description.body:
        frame.imports.add("import hashlib")
        kept.append((literal(_CONTENT_HASH), Code(f"hashlib.sha256({content}).hexdigest()")))
        names.append(_CONTENT_HASH)
    request = [Entry(literal(description.method), head="method="), Entry(Code("url"), head="url=")]
    request += [Entry(Code("payload"), head="data=")] if description.body else []
    request += [Entry(mapping(kept), head="headers=")] if kept else []
    keys = [Entry(frame.text(auth.text(name))) for name in ("accessKey", "secretKey", "sessionToken") if auth.text(name).parts]
    scope = [literal(auth.text("service").plain or "execute-api"), literal(auth.text("region").plain or "us-east-1")]
    signer = Bracket("SigV4Auth(", (Entry(Code("credentials")), *map(Entry, scope)), ")")
    lines = (
        ("signed = ", Bracket("AWSRequest(", tuple(request), ")")),
        ("credentials = ", Bracket("Credentials(", tuple(keys), ")")),
        ("", Tail(signer, ".add_auth(signed)")),
    )
    return Signature(lines=lines, headers=tuple((name, Code(f'signed.headers["{name}"]')) for name in names), covers=True)


def _hawk(frame: Frame, auth: Auth) -> Signature | None:
    hashed = _switched_on(auth, "includePayloadHash")
    if hashed and not _is_text(frame):
        return None
    frame.imports.add("from mohawk import Sender")
    description = frame.description
    credentials: dict[str, Any] = {"id": frame.text(auth.text("authId")), "key": frame.text(auth.text("authKey"))}
    credentials["algorithm"] = auth.text("algorithm").plain or "sha256"
    entries = [Entry(literal(credentials)), Entry(Code("url")), Entry(literal(description.method))]
    if hashed and description.body:
        kind = next((value.plain for name, value in description.headers if name.lower() == "content-type"), "")
        entries += [Entry(Code("payload"), head="content="), Entry(literal(kind), head="content_type=")]
    else:
        entries.append(Entry(Code("False"), head="always_hash_content="))
    entries += _texts(frame, auth, {"ext": "extraData", "app": "app", "dlg": "delegation", "nonce": "nonce"})
    sender = Bracket("Sender(", tuple(entries), ")")
    return Signature(lines=(("sender = ", sender),), headers=(("Authorization", Code("sender.request_header")),), covers=True)


def _is_text(frame: Frame) -> bool:
    return frame.description.body is None or isinstance(frame.description.body, JsonBody | TextBody | FormBody)
