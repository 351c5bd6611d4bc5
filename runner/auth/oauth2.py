"""OAuth 2.0: the stored token, or one that is fetched by the exported configuration.

Newman only ever uses the stored token. Here a token is fetched when none is stored, for the grants that need no browser,
renewed when it is about to expire or the server no longer takes it, and shared by all requests of the same configuration.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Generator, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from runner.auth.flow import Flow
from runner.auth.memory import Params
from runner.auth.signing import Unsignable, need, warned, without_headers, without_query
from runner.auth.simple import text
from runner.errors import SendError
from runner.model import Body, Param, Prepared, Request, Response, Url
from runner.request import USER_AGENT, prepare, with_header, with_query
from runner.url import utf8

Fetch: TypeAlias = Generator[Prepared, Response, None]

_FETCHED = frozenset({"client_credentials", "password_credentials"})
_OF_THE_WIRE = ("strictSSL", "tlsDisabledProtocols", "tlsCipherSelection", "tlsPreferServerCiphers", "insecureHTTPParser")
"""What of a request's behavior holds for asking for its token, too."""
_EARLY = 10.0
"""Seconds before its end at which a token counts as expired."""


def oauth2(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
    """Send `accessToken` in the header behind `headerPrefix` (Bearer), or in the query with `addTokenTo` queryParams.

    Without one, it comes from `accessTokenUrl` for `grant_type` client_credentials or password_credentials, or by
    `refreshToken`. A fetched token that the server refuses (401) is renewed once.
    """
    known = params if isinstance(params, Params) else Params(params)
    try:
        fetched = not _usable(known)
        if fetched:
            yield from _fetch(prepared, known)
        response = yield _signed(prepared, known)
        if response.code == 401 and not fetched and known.learned.get("accessToken"):
            del known.learned["accessToken"]
            yield from _fetch(prepared, known)
            yield _signed(prepared, known)
    except Unsignable as reason:
        yield warned(prepared, "oauth2", str(reason))


def _usable(known: Params) -> bool:
    """Whether there is a token; a variable without a value is none."""
    given = text(known.given, "accessToken")
    if given and "{{" not in given:
        return True
    return bool(known.learned.get("accessToken")) and time.time() < known.learned.get("expires", float("inf"))


def _signed(prepared: Prepared, known: Params) -> Prepared:
    token = text(known.learned, "accessToken") or text(known.given, "accessToken")
    kind = text(known.learned, "tokenType") or text(known, "tokenType")
    if kind.lower() == "mac":
        raise Unsignable("tokens of type mac are not supported")
    clean = without_query(without_headers(prepared, "authorization"), {"access_token"})
    match text(known, "addTokenTo") or "header":
        case "header":
            prefix = "Bearer" if known.get("headerPrefix") is None else text(known, "headerPrefix").strip()
            return with_header(clean, "Authorization", f"{prefix} {token}" if prefix else token)
        case "queryParams":
            return with_query(clean, "access_token", token)
        case place:
            raise Unsignable(f"there is no place `{place}` for the token")


# ------------------------------------------------------------------------------------------------------------ token calls


def _fetch(prepared: Prepared, known: Params) -> Fetch:
    """Ask for a token, first by a refresh token, and keep it.

    Raises:
        Unsignable: the configuration does not suffice, or the server gives none.
    """
    grant = text(known, "grant_type")
    refresh = text(known.learned, "refreshToken") or text(known.given, "refreshToken")
    if refresh:
        fields = {"grant_type": "refresh_token", "refresh_token": refresh}
        answer = yield _token_request(prepared, known, fields, "refreshRequestParams")
        if grant not in _FETCHED or "access_token" in _told(answer):
            _keep(known, answer)
            return
        known.learned.pop("refreshToken", None)
    elif grant not in _FETCHED or not text(known, "accessTokenUrl"):
        reason = f", and the grant `{grant}` needs a browser" if grant and grant not in _FETCHED else ""
        raise Unsignable(f"`accessToken` is missing{reason}")
    answer = yield _token_request(prepared, known, _grant(known, grant), "tokenRequestParams")
    _keep(known, answer)


def _grant(known: Params, grant: str) -> dict[str, str]:
    if grant == "client_credentials":
        return {"grant_type": grant}
    user, password = need(known, "username", "password")
    return {"grant_type": "password", "username": user, "password": password}


def _token_request(prepared: Prepared, known: Params, fields: dict[str, str], extras: str) -> Prepared:
    (client,) = need(known, "clientId")
    renew = fields["grant_type"] == "refresh_token"
    url = (text(known, "refreshTokenUrl") if renew else "") or need(known, "accessTokenUrl")[0]
    secret, headers = text(known, "clientSecret"), {"Accept": "application/json"}
    if secret and text(known, "client_authentication") != "body":
        headers["Authorization"] = "Basic " + base64.b64encode(utf8(f"{client}:{secret}")).decode()
    else:
        fields |= {"client_id": client} | ({"client_secret": secret} if secret else {})
    fields |= {name: text(known, name) for name in ("scope", "audience", "resource") if text(known, name)}
    query = _extra(known, extras, "request_url", {})
    request = Request(
        url=Url(text=url),
        method="POST",
        headers=_params(_extra(known, extras, "request_header", headers)),
        body=Body(mode="urlencoded", urlencoded=_params(_extra(known, extras, "request_body", fields))),
    )
    behavior = {name: prepared.behavior[name] for name in _OF_THE_WIRE if name in prepared.behavior}
    try:
        made = prepare(request, behavior=behavior, user_agent=prepared.header("User-Agent") or USER_AGENT)
        for name, value in query.items():
            made = with_query(made, name, value)
    except SendError as error:
        raise Unsignable(f"the token cannot be asked for: {error.what}") from error
    return made


def _extra(known: Params, name: str, place: str, fields: dict[str, str]) -> dict[str, str]:
    """The fields, and those the user wants sent besides in this place."""
    given = known.get(name)
    entries = [entry for entry in given if isinstance(entry, Mapping)] if isinstance(given, list) else []
    wanted = [entry for entry in entries if entry.get("enabled", True) and entry.get("key")]
    return fields | {str(e["key"]): text(e, "value") for e in wanted if e.get("send_as", "request_body") == place}


def _params(fields: Mapping[str, str]) -> tuple[Param, ...]:
    return tuple(Param(key=key, value=value) for key, value in fields.items())


def _keep(known: Params, answer: Response) -> None:
    told = _told(answer)
    token = told.get("access_token")
    if not token or answer.code >= 400:
        reason = " ".join(str(told[name]) for name in ("error", "error_description") if told.get(name))
        raise Unsignable(f"the token server answered {answer.code}" + (f" ({reason})" if reason else " without a token"))
    known.learned.update(accessToken=str(token), tokenType=str(told.get("token_type") or ""), expires=_expiry(told))
    if told.get("refresh_token"):
        known.learned["refreshToken"] = str(told["refresh_token"])


def _expiry(told: Mapping[str, Any]) -> float:
    try:
        return time.time() + float(told["expires_in"]) - _EARLY
    except (KeyError, ValueError, TypeError):
        return float("inf")


def _told(answer: Response) -> dict[str, Any]:
    """A token answer: JSON as the standard has it, or a form, as some servers send it."""
    content = answer.body.decode("utf-8", "replace")
    try:
        told = json.loads(content)
    except ValueError:
        told = dict(parse_qsl(content))
    return told if isinstance(told, dict) else {}
