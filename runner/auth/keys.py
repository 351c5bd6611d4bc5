"""Private keys as people paste them, and JSON Web Signatures made with them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from runner.auth.signing import Unsignable
from runner.url import utf8

HMAC = frozenset({"HS256", "HS384", "HS512"})
PRIVATE = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"})

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)


def pem(text: str) -> str:
    r"""A PEM block in its proper lines: form fields lose them, and files write them as `\n`.

    Raises:
        Unsignable: the text holds no PEM block.
    """
    found = _PEM.search(text.replace("\\n", "\n"))
    if found is None:
        raise Unsignable("the private key is no PEM text")
    letters = re.sub(r"\s", "", found[2])
    lines = [letters[index : index + 64] for index in range(0, len(letters), 64)]
    return "\n".join([f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", ""])


def signed_token(header: Mapping[str, Any], payload: Mapping[str, Any], key: str | bytes) -> str:
    """A JWT in compact form, signed by the header's `alg`; the key is a PEM text, or the bytes of an HMAC secret.

    Raises:
        Unsignable: the key does not fit the algorithm, or cannot be read.
    """
    import jwt

    content = f"{_part(header)}.{_part(payload)}"
    algorithm = jwt.get_algorithm_by_name(str(header["alg"]))
    try:
        # A short secret is weak, but it is the one the server knows: PyJWT's own `encode` would warn of it.
        prepared = key if isinstance(key, bytes) else algorithm.prepare_key(pem(key))
        signature = algorithm.sign(content.encode(), prepared)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise Unsignable(f"the key cannot be used for {header['alg']}: {error}") from error
    return f"{content}.{_base64url(signature)}"


def rsa_signature(content: str, key: str, hash_name: str) -> str:
    """The RSASSA-PKCS1-v1_5 signature of a text in base64; the key is a PEM text, the hash SHA1, SHA256 or SHA512.

    Raises:
        Unsignable: the key cannot be read, or is none of RSA.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(pem(key).encode(), password=None)
    except (ValueError, TypeError) as error:
        raise Unsignable(f"the private key cannot be read: {error}") from error
    if not isinstance(found, RSAPrivateKey):
        raise Unsignable("the private key is none of RSA")
    return base64.b64encode(found.sign(utf8(content), PKCS1v15(), getattr(hashes, hash_name)())).decode()


def _part(value: Mapping[str, Any]) -> str:
    return _base64url(utf8(json.dumps(value, ensure_ascii=False, separators=(",", ":"))))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
