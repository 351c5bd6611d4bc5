"""Auth that is worked out when the request is sent: by the library that is known for it, in lines before the call."""

from __future__ import annotations

import json
import re
from typing import Any

from runner.auth.target import Target
from runner.codegen.aws import awsv4
from runner.codegen.code import Frame
from runner.codegen.description import Auth, FormBody, Text
from runner.codegen.holes import encoded
from runner.codegen.parts import FORM, as_bytes, content_type
from runner.codegen.signature import AS_TEXT, Content, Signature, is_text, joined, switched_on
from runner.codegen.writer import Bracket, Code, Entry, Expression, Template, call, literal, mapping, string

_METHOD = "HMAC-SHA1"
_HOUR = 3600

NONE = Signature()


def signature_of(frame: Frame, *, native: frozenset[str], content: Content = AS_TEXT) -> Signature:
    """How a request is signed, where the library of the target has no auth of that type itself (`native` are those it has).

    `content` says how the body is at hand.
    """
    auth = frame.description.auth
    if auth is None or auth.type in native:
        return NONE
    signers = {
        "basic": _basic,
        "jwt": _jwt,
        "asap": _asap,
        "oauth1": _oauth1,
        "hawk": _hawk,
        "awsv4": awsv4,
        "edgegrid": edgegrid,
    }
    found = signers.get(auth.type, _unknown)(frame, auth, content)
    if found is None:
        frame.note("auth", f"this is sent without its {auth.type} auth, which is not to be had here: `pabal run` sends it")
    return found or NONE


def _unknown(frame: Frame, auth: Auth, content: Content) -> None:
    return None


def _texts(frame: Frame, auth: Auth, names: dict[str, str]) -> list[Entry]:
    """Parameters that are set, under the names that a library has for them."""
    return [Entry(frame.text(auth.text(given)), head=f"{name}=") for name, given in names.items() if auth.text(given).parts]


def _basic(frame: Frame, auth: Auth, content: Content) -> Signature:
    """Basic auth for libraries that have nothing of their own."""
    frame.imports.add("import base64")
    pair = as_bytes(frame.text(auth.text("username") + Text.of(":") + auth.text("password")))
    encoded = Bracket("base64.b64encode(", (Entry(pair),), ").decode()")
    value = Template(("Basic ", Code("credentials")))
    return Signature(lines=(("credentials = ", encoded),), headers=(("Authorization", value),))


# --------------------------------------------------------------------------------------------------------------- JWT, ASAP


def _jwt(frame: Frame, auth: Auth, content: Content) -> Signature | None:
    place = auth.text("addTokenTo").plain or "header"
    if place not in ("header", "queryParam"):
        return None
    frame.imports.add("import jwt")
    secret = frame.text(auth.text("secret") if auth.text("secret").parts else auth.text("privateKey"))
    if switched_on(auth, "isSecretBase64Encoded"):
        frame.imports.add("import base64")
        secret = Bracket("base64.b64decode(", (Entry(secret),), ")")
    entries = [Entry(_object(frame, auth.text("payload"))), Entry(secret)]
    entries.append(Entry(literal(auth.text("algorithm").plain), head="algorithm="))
    headers = _object(frame, auth.text("header"))
    if isinstance(auth.text("header").plain, str):
        # PyJWT says `typ` by itself, Postman only where it is written.
        headers = literal({"typ": None, **json.loads(auth.text("header").plain or "{}")})
    entries.append(Entry(headers, head="headers="))
    made = Bracket("jwt.encode(", tuple(entries), ")")
    if place == "header":
        return _token(frame, made, auth.params.get("headerPrefix", Text.of("Bearer")))
    key = auth.text("queryParamKey").quoted("query") if auth.text("queryParamKey").parts else Text.of("token")
    name = Text(tuple([encoded(part, "query") if isinstance(part, str) else part for part in key.parts]))
    parameter = frame.text(Text.of(joined(frame)) + name + Text.of("="))
    appended = Template((*(parameter.parts if isinstance(parameter, Template) else ()), Code("token")))
    return Signature(lines=(("token = ", made), ("url += ", appended)), in_url=True)


def _object(frame: Frame, text: Text) -> Expression:
    """A JSON object as a literal if it has no holes, else parsed when the code runs."""
    plain = text.plain
    if plain is None:
        frame.imports.add("from json import loads")  # a client's methods have a parameter called json
        return call("loads", frame.text(text))
    return literal(json.loads(plain or "{}"))


def _asap(frame: Frame, auth: Auth, content: Content) -> Signature | None:
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
    made = call("jwt.encode", pairs, frame.text(auth.text("privateKey")), algorithm=algorithm, headers=headers)
    return _token(frame, made, Text.of("Bearer"))


def _token(frame: Frame, made: Expression, prefix: Text) -> Signature:
    before = frame.text(prefix + Text.of(" ")) if prefix.parts else Template(())
    value = Template((*before.parts, Code("token"))) if isinstance(before, Template) else Code("token")
    return Signature(lines=(("token = ", made),), headers=(("Authorization", value),))


# ----------------------------------------------------------------------------------------------------------------- OAuth 1


def _oauth1(frame: Frame, auth: Auth, content: Content) -> Signature | None:
    description = frame.description
    is_form = isinstance(description.body, FormBody)
    in_body = is_form and description.method in ("PUT", "POST")
    place = "AUTH_HEADER" if switched_on(auth, "addParamsToHeader") else "BODY" if in_body else "QUERY"
    frame.imports.add("from oauthlib.oauth1 import Client")
    names = {"client_secret": "consumerSecret", "resource_owner_key": "token", "resource_owner_secret": "tokenSecret"}
    names |= {"rsa_key": "privateKey", "realm": "realm", "callback_uri": "callback", "verifier": "verifier"}
    names |= {"nonce": "nonce", "timestamp": "timestamp"}
    entries = [Entry(frame.text(auth.text("consumerKey"))), *_texts(frame, auth, names)]
    method = auth.text("signatureMethod").plain or _METHOD
    entries += [Entry(literal(method), head="signature_method=")] if method != _METHOD else []
    entries += [Entry(literal(place), head="signature_type=")] if place != "AUTH_HEADER" else []
    hashes = switched_on(auth, "includeBodyHash") and not is_form and _hashes_body(frame, method)
    sign = [Entry(Code("url")), Entry(literal(description.method), head="http_method=")]
    if is_form or hashes:
        kind = FORM if is_form else content_type(description)
        headers = mapping([(literal("Content-Type"), literal(kind))])
        sign += [Entry(Code(content.text), head="body="), Entry(headers, head="headers=")]
    client = ("client = ", Bracket("Client(", tuple(entries), ")"))
    return _signed_by(client, Bracket("client.sign(", tuple(sign), ")"), place, content)


def _signed_by(client: tuple[str, Expression], signed: Expression, place: str, content: Content) -> Signature:
    match place:
        case "QUERY":
            return Signature(lines=(client, ("url, _, _ = ", signed)), covers=True, in_url=True)
        case "BODY":
            again = (("payload = ", Code(f"form{content.encoded.removeprefix('payload')}")),)
            return Signature(lines=(client, ("_, _, form = ", signed), *again), covers=True)
    headers = (("Authorization", Code('signed["Authorization"]')),)
    return Signature(lines=(client, ("_, signed, _ = ", signed)), headers=headers, covers=True)


def _hashes_body(frame: Frame, method: str) -> bool:
    """Whether oauthlib signs the hash of the body as well, which it does for a text with a type, and by SHA-1."""
    algorithm = method.partition("-")[2]
    known = algorithm == "SHA1" and frame.description.body is not None and is_text(frame)
    if algorithm and not (known and content_type(frame.description)):
        frame.note("auth", "the signature is without the hash of the body, which oauthlib has for texts and SHA-1 only")
    return known and content_type(frame.description) is not None


# -------------------------------------------------------------------------------------------------------------- Hawk, Akamai


def _hawk(frame: Frame, auth: Auth, content: Content) -> Signature | None:
    hashed = switched_on(auth, "includePayloadHash")
    if hashed and not is_text(frame):
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


def edgegrid(frame: Frame, auth: Auth, content: Content) -> Signature | None:
    """Akamai's signature by a function of the code's own, which needs nothing but the standard library."""
    body = frame.description.body
    if not is_text(frame) and frame.description.method == "POST":
        return None
    size, base = auth.text("maxBodySize").plain or "", auth.text("baseURL").plain or ""
    host = Target.of(base if "://" in base else f"https://{base}").authority if base else ""
    most = size if size.strip("0").isdecimal() else "131072"
    function = frame.bring("edgegrid", "edgegrid.py.j2", most=most, host=string(host) if host else "host")
    frame.imports |= {"import base64", "import hashlib", "import hmac", "import uuid", "from datetime import UTC, datetime"}
    entries = [Entry(literal(frame.description.method)), Entry(Code("url"))]
    entries.append(Entry(Code(content.data if body is not None and is_text(frame) else 'b""')))
    entries += [Entry(frame.text(auth.text(name))) for name in ("clientToken", "clientSecret", "accessToken")]
    if signed := _signed_headers(frame, auth):
        entries.append(Entry(frame.text(signed), head="headers="))
    return Signature(headers=(("Authorization", Bracket(f"{function}(", tuple(entries), ")")),), covers=True)


def headers_to_sign(auth: Auth) -> list[str]:
    """The names of headers that Akamai is to sign."""
    given = auth.text("headersToSign").plain or ""
    names = json.loads(given) if given.startswith("[") else given.split(",")
    return [name.strip() for name in names if name.strip()]


def _signed_headers(frame: Frame, auth: Auth) -> Text:
    """The headers to be signed, as Akamai wants them."""
    values = {name.lower(): value for name, value in frame.description.headers}
    found = [(name.lower(), values.get(name.lower())) for name in headers_to_sign(auth)]
    texts = [Text.of(f"{name}:") + _without_blanks(value) for name, value in found if value]
    return sum((Text.of("\t") + text for text in texts[1:]), start=texts[0]) if texts else Text()


def _without_blanks(text: Text) -> Text:
    return Text(tuple([re.sub(r"\s+", " ", part) if isinstance(part, str) else part for part in text.parts]))
