"""Test credentials, tokens, and what the OAuth paths answer."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from runner.kis.accounts import ACCOUNT_OF
from runner.kis.catalogue import HOSTS, VARIABLE_PREFIXES
from runner.kis.simulator.facts import Fault
from runner.kis.simulator.values import KST

TOKEN_LIFE = 24 * 3600
SAME_TOKEN = 6 * 3600
ISSUE_PAUSE = 60

HOST_OF = {prefix: HOSTS[letter] for (letter, _), prefix in VARIABLE_PREFIXES.items()}

TEST_CREDENTIALS: Mapping[str, str] = {
    **{account: str(50000001 + n) for n, account in enumerate(ACCOUNT_OF.values())},
    **{f"{prefix}_APPKEY": f"simulated-appkey-{prefix.lower()}" for prefix in ACCOUNT_OF},
    **{f"{prefix}_APPSECRET": f"simulated-appsecret-{prefix.lower()}" for prefix in ACCOUNT_OF},
    "HTS_ID": "simulated",
}
"""A value for each variable of the KIS environment files that a user has to fill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An app key: what the variables that hold it begin with, the host it was made for and the accounts it may use."""

    name: str
    appkey: str
    secret: str
    host: str
    accounts: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token; times are seconds since 1970."""

    text: str
    appkey: str
    issued: float
    expires: float


def key_ring(credentials: Mapping[str, str]) -> dict[str, Key]:
    """The app keys that a set of variables describes, by their text; one key named twice may use both accounts."""
    ring: dict[str, Key] = {}
    for prefix, account in ACCOUNT_OF.items():
        appkey = credentials[f"{prefix}_APPKEY"]
        known = ring[appkey].accounts if appkey in ring else frozenset()
        ring[appkey] = Key(
            name=ring[appkey].name if appkey in ring else prefix,
            appkey=appkey,
            secret=credentials[f"{prefix}_APPSECRET"],
            host=HOST_OF[prefix],
            accounts=known | {credentials[account]},
        )
    return ring


class OAuth:
    """Tokens of one host. `strict` holds issues down to one a minute for each app key."""

    def __init__(self, ring: Mapping[str, Key], *, strict: bool, seed: object) -> None:
        self._ring = ring
        self._strict = strict
        self._seed = seed
        self._tokens: dict[str, Token] = {}
        self._revoked: set[str] = set()
        self._issued: dict[str, float] = {}
        self._count = 0

    def answer(self, name: str, body: Mapping[str, Any], now: float) -> dict[str, Any]:
        """What `/oauth2/<name>` says to a body.

        Raises:
            Fault: the request is refused.
        """
        if name == "tokenP":
            return self._issue(self._key(body, "appsecret", grant=True), now)
        if name == "revokeP":
            return self._revoke(self._key(body, "appsecret", grant=False), str(body.get("token", "")))
        if name == "Approval":
            return {"approval_key": self._approval(self._key(body, "secretkey", grant=True))}
        raise Fault("EGW00203")

    def check(self, header: str, key: Key, now: float) -> None:
        """Whether an authorization header holds a live token of this key.

        Raises:
            Fault: it does not.
        """
        scheme, _, text = header.strip().partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not text:
            raise Fault("EGW00122")
        token = self._tokens.get(text)
        if token is None or token.appkey != key.appkey or text in self._revoked:
            raise Fault("EGW00121")
        if now >= token.expires:
            raise Fault("EGW00123")

    def expire(self, appkey: str, now: float) -> None:
        """End the life of a key's tokens."""
        for token in self._tokens.values():
            if token.appkey == appkey:
                self._tokens[token.text] = replace(token, expires=min(token.expires, now))

    def _key(self, body: Mapping[str, Any], secret_field: str, *, grant: bool) -> Key:
        if grant and not body.get("grant_type"):
            raise Fault("EGW00115")
        if grant and body["grant_type"] != "client_credentials":
            raise Fault("EGW00116")
        return self.key(str(body.get("appkey") or ""), str(body.get(secret_field) or ""))

    def key(self, appkey: str, secret: str) -> Key:
        """The key that a pair names.

        Raises:
            Fault: one is missing or wrong.
        """
        if not appkey:
            raise Fault("EGW00102")
        if not secret:
            raise Fault("EGW00104")
        key = self._ring.get(appkey)
        if key is None:
            raise Fault("EGW00103")
        if key.secret != secret:
            raise Fault("EGW00105")
        return key

    def _issue(self, key: Key, now: float) -> dict[str, Any]:
        if self._strict and now - self._issued.get(key.appkey, float("-inf")) < ISSUE_PAUSE:
            raise Fault("EGW00133")
        self._issued[key.appkey] = now
        token = self._current(key, now) or self._new(key, now)
        return {
            "access_token": token.text,
            "access_token_token_expired": datetime.fromtimestamp(token.expires, KST).strftime("%Y-%m-%d %H:%M:%S"),
            "token_type": "Bearer",
            "expires_in": int(token.expires - now),
        }

    def _current(self, key: Key, now: float) -> Token | None:
        mine = (token for token in self._tokens.values() if token.appkey == key.appkey and token.text not in self._revoked)
        return next((token for token in mine if now - token.issued < SAME_TOKEN and now < token.expires), None)

    def _new(self, key: Key, now: float) -> Token:
        self._count += 1
        digest = hashlib.sha256(f"{self._seed}|{key.appkey}|{self._count}".encode()).digest()
        claims = {"sub": "token", "iss": "simulator", "exp": int(now + TOKEN_LIFE), "jti": digest.hex()[:16]}
        text = ".".join((_segment({"typ": "JWT", "alg": "HS256"}), _segment(claims), _encoded(digest)))
        token = Token(text=text, appkey=key.appkey, issued=now, expires=now + TOKEN_LIFE)
        self._tokens[text] = token
        return token

    def _revoke(self, key: Key, text: str) -> dict[str, Any]:
        token = self._tokens.get(text)
        if token is None or token.appkey != key.appkey:
            raise Fault("EGW00121")
        self._revoked.add(text)
        return {"code": 200, "message": "접근토큰 폐기에 성공하였습니다"}

    def _approval(self, key: Key) -> str:
        digest = hashlib.sha256(f"{self._seed}|approval|{key.appkey}".encode()).hexdigest()
        return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _segment(value: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
