"""`crypto.subtle`, answered by the host: what a script asks arrives as JSON with bytes in Base64.

A key is a dict with `type`, `extractable`, `algorithm`, `usages` and `material`: the raw bytes of a secret key, the
PKCS #8 of a private one, the SubjectPublicKeyInfo of a public one.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any, TypeAlias

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import constant_time, hashes, hmac, keywrap, serialization
from cryptography.hazmat.primitives import padding as block_padding
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

Key: TypeAlias = dict[str, Any]
Algorithm: TypeAlias = dict[str, Any]

HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA-1": hashes.SHA1,
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
}
BLOCK_BITS = {"SHA-1": 512, "SHA-256": 512, "SHA-384": 1024, "SHA-512": 1024}
CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
NAMES = {
    name.lower(): name
    for name in (
        *("SHA-1", "SHA-256", "SHA-384", "SHA-512", "HMAC", "AES-CBC", "AES-GCM", "AES-CTR", "AES-KW"),
        *("RSASSA-PKCS1-v1_5", "RSA-PSS", "RSA-OAEP", "ECDSA", "ECDH", "PBKDF2", "HKDF"),
    )
}


class Refusal(Exception):
    """An error a script is to see, with the name of its DOMException."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def perform(operation: str, args: list[Any]) -> tuple[dict[str, str] | None, Any]:
    """Work out one call: what went wrong, or None, and the result."""
    try:
        return None, OPERATIONS[operation](*args)
    except Refusal as refusal:
        return {"name": refusal.name, "message": str(refusal)}, None
    except (InvalidTag, InvalidUnwrap):
        return {"name": "OperationError", "message": "The operation failed for an operation-specific reason"}, None
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        kind = "DataError" if operation in ("importKey", "unwrapKey") else "OperationError"
        return {"name": kind, "message": str(error) or kind}, None


def pack(data: bytes) -> str:
    """Bytes as they cross to the sandbox."""
    return base64.b64encode(data).decode()


def unpack(text: str) -> bytes:
    """Bytes as they came from the sandbox."""
    return base64.b64decode(text)


def name_of(algorithm: Algorithm) -> str:
    """The algorithm's name as the standard spells it."""
    name = NAMES.get(str(algorithm["name"]).lower())
    if name is None:
        raise Refusal("NotSupportedError", f"Unrecognized algorithm name: {algorithm['name']}")
    return name


def hash_of(algorithm: Algorithm) -> hashes.HashAlgorithm:
    """The hash an algorithm names."""
    if "hash" not in algorithm:
        raise Refusal("OperationError", "The algorithm needs a hash")
    return HASHES[name_of(algorithm["hash"])]()


def usable(key: Key, use: str, algorithm: Algorithm | None = None) -> bytes:
    """A key's material, if the key may be used so."""
    if use not in key["usages"]:
        raise Refusal("InvalidAccessError", f"The key does not allow {use}")
    if algorithm is not None and name_of(algorithm) != key["algorithm"]["name"]:
        raise Refusal("InvalidAccessError", "The key is for another algorithm")
    return unpack(key["material"])


def private(material: bytes) -> Any:
    """A private key out of its PKCS #8."""
    return serialization.load_der_private_key(material, None)


def public(material: bytes) -> Any:
    """A public key out of its SubjectPublicKeyInfo."""
    return serialization.load_der_public_key(material)


def made(key_type: str, material: bytes, algorithm: Algorithm, extractable: bool, usages: list[str]) -> Key:
    """A key as the sandbox holds it."""
    shown = {**algorithm, "name": name_of(algorithm)}
    return {"type": key_type, "extractable": extractable, "algorithm": shown, "usages": usages, "material": pack(material)}


# --- digest, signatures ---------------------------------------------------------------------------------------------


def digest(algorithm: Algorithm, data: str) -> str:
    """`subtle.digest`."""
    name = name_of(algorithm)
    if name not in HASHES:
        raise Refusal("NotSupportedError", f"{name} is no digest")
    context = hashes.Hash(HASHES[name]())
    context.update(unpack(data))
    return pack(context.finalize())


def sign(algorithm: Algorithm, key: Key, data: str) -> str:
    """`subtle.sign`; an ECDSA signature is r and s behind one another, as the standard wants it."""
    material, message = usable(key, "sign", algorithm), unpack(data)
    name = key["algorithm"]["name"]
    if name == "HMAC":
        return pack(mac(key, message))
    if name == "ECDSA":
        loaded = private(material)
        r, s = decode_dss_signature(loaded.sign(message, ec.ECDSA(hash_of(algorithm))))
        size = (loaded.key_size + 7) // 8
        return pack(r.to_bytes(size, "big") + s.to_bytes(size, "big"))
    chosen = hash_of(key["algorithm"])
    return pack(private(material).sign(message, rsa_padding(name, algorithm, chosen), chosen))


def verify(algorithm: Algorithm, key: Key, signature: str, data: str) -> bool:
    """`subtle.verify`."""
    material, message, given = usable(key, "verify", algorithm), unpack(data), unpack(signature)
    name = key["algorithm"]["name"]
    if name == "HMAC":
        return constant_time.bytes_eq(mac(key, message), given)
    try:
        if name == "ECDSA":
            half = len(given) // 2
            dss = encode_dss_signature(int.from_bytes(given[:half], "big"), int.from_bytes(given[half:], "big"))
            public(material).verify(dss, message, ec.ECDSA(hash_of(algorithm)))
        else:
            chosen = hash_of(key["algorithm"])
            public(material).verify(given, message, rsa_padding(name, algorithm, chosen), chosen)
    except InvalidSignature:
        return False
    return True


def mac(key: Key, message: bytes) -> bytes:
    """The HMAC of a message."""
    context = hmac.HMAC(unpack(key["material"]), hash_of(key["algorithm"]))
    context.update(message)
    return context.finalize()


def rsa_padding(name: str, algorithm: Algorithm, chosen: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    """The padding of an RSA signature."""
    if name == "RSASSA-PKCS1-v1_5":
        return padding.PKCS1v15()
    return padding.PSS(padding.MGF1(chosen), int(algorithm.get("saltLength", 0)))


# --- encryption -----------------------------------------------------------------------------------------------------


def encrypt(algorithm: Algorithm, key: Key, data: str, use: str = "encrypt") -> str:
    """`subtle.encrypt`, and what `wrapKey` does to the exported key."""
    material, text = usable(key, use, algorithm), unpack(data)
    name = key["algorithm"]["name"]
    if name == "AES-GCM":
        iv, extra, tag = gcm_settings(algorithm)
        sealed = AESGCM(material).encrypt(iv, text, extra)
        return pack(sealed[: len(sealed) - 16 + tag])
    if name == "AES-CBC":
        padder = block_padding.PKCS7(128).padder()
        text = padder.update(text) + padder.finalize()
        encryptor = Cipher(algorithms.AES(material), modes.CBC(unpack(algorithm["iv"]))).encryptor()
        return pack(encryptor.update(text) + encryptor.finalize())
    if name == "AES-CTR":
        return pack(counter_mode(material, algorithm, text))
    if name == "AES-KW":
        return pack(keywrap.aes_key_wrap(material, text))
    return pack(public(material).encrypt(text, oaep(algorithm, key)))


def decrypt(algorithm: Algorithm, key: Key, data: str, use: str = "decrypt") -> str:
    """`subtle.decrypt`, and what `unwrapKey` begins with."""
    material, sealed = usable(key, use, algorithm), unpack(data)
    name = key["algorithm"]["name"]
    if name == "AES-GCM":
        return pack(open_gcm(material, algorithm, sealed))
    if name == "AES-CBC":
        decryptor = Cipher(algorithms.AES(material), modes.CBC(unpack(algorithm["iv"]))).decryptor()
        unpadder = block_padding.PKCS7(128).unpadder()
        return pack(unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize())
    if name == "AES-CTR":
        return pack(counter_mode(material, algorithm, sealed))
    if name == "AES-KW":
        return pack(keywrap.aes_key_unwrap(material, sealed))
    return pack(private(material).decrypt(sealed, oaep(algorithm, key)))


def gcm_settings(algorithm: Algorithm) -> tuple[bytes, bytes | None, int]:
    """IV, additional data and the length of the tag in bytes."""
    extra = unpack(algorithm["additionalData"]) if algorithm.get("additionalData") else None
    return unpack(algorithm["iv"]), extra, int(algorithm.get("tagLength") or 128) // 8


def open_gcm(material: bytes, algorithm: Algorithm, sealed: bytes) -> bytes:
    """AES-GCM with a tag of any length the standard allows."""
    iv, extra, tag = gcm_settings(algorithm)
    mode = modes.GCM(iv, sealed[len(sealed) - tag :], min_tag_length=tag)
    decryptor = Cipher(algorithms.AES(material), mode).decryptor()
    decryptor.authenticate_additional_data(extra or b"")
    return decryptor.update(sealed[: len(sealed) - tag]) + decryptor.finalize()


def counter_mode(material: bytes, algorithm: Algorithm, text: bytes) -> bytes:
    """AES-CTR whose counter is the last `length` bits of the block: past its end it begins anew without a carry."""
    block, length = unpack(algorithm["counter"]), int(algorithm["length"])
    start = int.from_bytes(block, "big")
    until_wrap = ((1 << length) - (start & ((1 << length) - 1))) * 16
    again = (start >> length << length).to_bytes(16, "big")
    return b"".join(
        run_counter(material, counter, part) for counter, part in ((block, text[:until_wrap]), (again, text[until_wrap:])) if part
    )


def run_counter(material: bytes, counter: bytes, text: bytes) -> bytes:
    """AES-CTR over one stretch without a wrap."""
    encryptor = Cipher(algorithms.AES(material), modes.CTR(counter)).encryptor()
    return encryptor.update(text) + encryptor.finalize()


def oaep(algorithm: Algorithm, key: Key) -> padding.OAEP:
    """The padding of RSA-OAEP."""
    chosen = hash_of(key["algorithm"])
    label = unpack(algorithm["label"]) if algorithm.get("label") else None
    return padding.OAEP(padding.MGF1(chosen), chosen, label)


# --- keys -----------------------------------------------------------------------------------------------------------


def generate_key(algorithm: Algorithm, extractable: bool, usages: list[str]) -> Key | dict[str, Key]:
    """`subtle.generateKey`: a key, or a pair of them."""
    name = name_of(algorithm)
    if name == "HMAC" or name.startswith("AES-"):
        bits = key_bits(algorithm)
        return made("secret", secrets.token_bytes(bits // 8), described(algorithm, bits), extractable, usages)
    if name.startswith("RSA"):
        exponent = int.from_bytes(unpack(algorithm["publicExponent"]), "big")
        pair: Any = rsa.generate_private_key(exponent, int(algorithm["modulusLength"]))
    elif name in ("ECDSA", "ECDH"):
        pair = ec.generate_private_key(CURVES[algorithm["namedCurve"]]())
    else:
        raise Refusal("NotSupportedError", f"{name} keys cannot be generated")
    open_uses = [use for use in usages if use in ("verify", "encrypt", "wrapKey")]
    closed_uses = [use for use in usages if use in ("sign", "decrypt", "unwrapKey", "deriveKey", "deriveBits")]
    return {
        "publicKey": made("public", spki(pair.public_key()), algorithm, True, open_uses),
        "privateKey": made("private", pkcs8(pair), algorithm, extractable, closed_uses),
    }


def key_bits(algorithm: Algorithm) -> int:
    """The length of a secret key, in bits."""
    if name_of(algorithm) == "HMAC":
        return int(algorithm.get("length") or BLOCK_BITS[name_of(algorithm["hash"])])
    if algorithm.get("length") not in (128, 192, 256):
        raise Refusal("OperationError", "AES key length must be 128, 192 or 256 bits")
    return int(algorithm["length"])


def described(algorithm: Algorithm, bits: int) -> Algorithm:
    """A secret key's algorithm as the key shows it."""
    shown: Algorithm = {"name": name_of(algorithm), "length": bits}
    if "hash" in algorithm:
        shown["hash"] = {"name": name_of(algorithm["hash"])}
    return shown


def spki(key: Any) -> bytes:
    """A public key's SubjectPublicKeyInfo."""
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded


def pkcs8(key: Any) -> bytes:
    """A private key's PKCS #8."""
    form = serialization.PrivateFormat.PKCS8
    encoded: bytes = key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
    return encoded


def import_key(form: str, data: Any, algorithm: Algorithm, extractable: bool, usages: list[str]) -> Key:
    """`subtle.importKey`."""
    name = name_of(algorithm)
    if name in ("HMAC", "PBKDF2", "HKDF") or name.startswith("AES-"):
        return import_secret(form, data, algorithm, extractable, usages)
    if form == "jwk":
        loaded = from_jwk(data)
    elif form == "raw":
        loaded = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[algorithm["namedCurve"]](), unpack(data))
    else:
        loaded = private(unpack(data)) if form == "pkcs8" else public(unpack(data))
    shown = {**algorithm, **shape(loaded)}
    if hasattr(loaded, "private_numbers"):
        return made("private", pkcs8(loaded), shown, extractable, usages)
    return made("public", spki(loaded), shown, extractable, usages)


def import_secret(form: str, data: Any, algorithm: Algorithm, extractable: bool, usages: list[str]) -> Key:
    """A secret key, raw or as a JSON Web Key."""
    if form not in ("raw", "jwk"):
        raise Refusal("NotSupportedError", f"Unable to import a secret key from {form}")
    material = from_base64url(data["k"]) if form == "jwk" else unpack(data)
    name = name_of(algorithm)
    if name.startswith("AES-") and len(material) not in (16, 24, 32):
        raise Refusal("DataError", "Invalid key length")
    shown = {"name": name} if name in ("PBKDF2", "HKDF") else described(algorithm, len(material) * 8)
    return made("secret", material, shown, extractable, usages)


def shape(key: Any) -> Algorithm:
    """What a loaded key says of itself."""
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        numbers = key.public_key().public_numbers() if isinstance(key, rsa.RSAPrivateKey) else key.public_numbers()
        exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
        return {"modulusLength": key.key_size, "publicExponent": pack(exponent)}
    return {"namedCurve": next(name for name, curve in CURVES.items() if curve().name == key.curve.name)}


def export_key(form: str, key: Key) -> Any:
    """`subtle.exportKey`."""
    if not key["extractable"]:
        raise Refusal("InvalidAccessError", "key is not extractable")
    material = unpack(key["material"])
    if form == "jwk":
        return {**to_jwk(key, material), "ext": key["extractable"], "key_ops": key["usages"]}
    if form == "raw" and key["type"] == "public":
        point = serialization.PublicFormat.UncompressedPoint
        return pack(public(material).public_bytes(serialization.Encoding.X962, point))
    if {"secret": "raw", "private": "pkcs8", "public": "spki"}[key["type"]] != form:
        raise Refusal("NotSupportedError", f"Unable to export a {key['type']} key as {form}")
    return pack(material)


def from_base64url(text: str) -> bytes:
    """Bytes of a JSON Web Key."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64url(value: bytes | int, size: int = 0) -> str:
    """Bytes, or a number in `size` bytes, as a JSON Web Key has them."""
    data = value.to_bytes(size or (value.bit_length() + 7) // 8, "big") if isinstance(value, int) else value
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwk_number(jwk: dict[str, Any], field: str) -> int:
    """A number in a JSON Web Key."""
    return int.from_bytes(from_base64url(jwk[field]), "big")


def from_jwk(jwk: dict[str, Any]) -> Any:
    """The key a JSON Web Key of type RSA or EC describes."""
    if jwk["kty"] == "EC":
        open_numbers = ec.EllipticCurvePublicNumbers(jwk_number(jwk, "x"), jwk_number(jwk, "y"), CURVES[jwk["crv"]]())
        if "d" in jwk:
            return ec.EllipticCurvePrivateNumbers(jwk_number(jwk, "d"), open_numbers).private_key()
        return open_numbers.public_key()
    numbers = rsa.RSAPublicNumbers(jwk_number(jwk, "e"), jwk_number(jwk, "n"))
    if "d" not in jwk:
        return numbers.public_key()
    p, q, d, dp, dq, qi = (jwk_number(jwk, field) for field in ("p", "q", "d", "dp", "dq", "qi"))
    return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, numbers).private_key()


def to_jwk(key: Key, material: bytes) -> dict[str, Any]:
    """A key as a JSON Web Key."""
    if key["type"] == "secret":
        return {"kty": "oct", "k": to_base64url(material), "alg": jwk_algorithm(key["algorithm"])}
    loaded = private(material) if key["type"] == "private" else public(material)
    opened = loaded.public_key() if key["type"] == "private" else loaded
    numbers = opened.public_numbers()
    if isinstance(opened, ec.EllipticCurvePublicKey):
        size = (opened.key_size + 7) // 8
        curve = shape(opened)["namedCurve"]
        jwk = {"kty": "EC", "crv": curve, "x": to_base64url(numbers.x, size), "y": to_base64url(numbers.y, size)}
        return {**jwk, "d": to_base64url(loaded.private_numbers().private_value, size)} if loaded is not opened else jwk
    jwk = {"kty": "RSA", "n": to_base64url(numbers.n), "e": to_base64url(numbers.e), "alg": jwk_algorithm(key["algorithm"])}
    if loaded is not opened:
        own = loaded.private_numbers()
        values = (own.d, own.p, own.q, own.dmp1, own.dmq1, own.iqmp)
        jwk.update(zip(("d", "p", "q", "dp", "dq", "qi"), map(to_base64url, values), strict=True))
    return jwk


def jwk_algorithm(algorithm: Algorithm) -> str:
    """The `alg` of a JSON Web Key."""
    name = algorithm["name"]
    bits = str(algorithm.get("hash", {}).get("name", ""))[4:]
    if name.startswith("AES-"):
        return f"A{algorithm['length']}{name[4:]}"
    if name == "RSA-OAEP":
        return name if bits == "1" else f"{name}-{bits}"
    return {"HMAC": "HS", "RSASSA-PKCS1-v1_5": "RS", "RSA-PSS": "PS"}[name] + bits


# --- derivation, wrapping -------------------------------------------------------------------------------------------


def derive_bits(algorithm: Algorithm, key: Key, length: int | None, use: str = "deriveBits") -> str:
    """`subtle.deriveBits`; `length` is in bits."""
    if use not in key["usages"] and "deriveKey" not in key["usages"]:
        raise Refusal("InvalidAccessError", f"The key does not allow {use}")
    name, material = name_of(algorithm), unpack(key["material"])
    if name == "ECDH":
        shared = private(material).exchange(ec.ECDH(), public(unpack(algorithm["public"]["material"])))
        if length is not None and length > len(shared) * 8:
            raise Refusal("OperationError", "The requested length is too long")
        return pack(shared if length is None else shared[: length // 8])
    if not length or length % 8:
        raise Refusal("OperationError", "The length must be a multiple of 8")
    salt = unpack(algorithm["salt"])
    if name == "PBKDF2":
        return pack(PBKDF2HMAC(hash_of(algorithm), length // 8, salt, int(algorithm["iterations"])).derive(material))
    if name == "HKDF":
        return pack(HKDF(hash_of(algorithm), length // 8, salt, unpack(algorithm["info"])).derive(material))
    raise Refusal("NotSupportedError", f"{name} derives no bits")


def derive_key(algorithm: Algorithm, key: Key, derived: Algorithm, extractable: bool, usages: list[str]) -> Key:
    """`subtle.deriveKey`."""
    secret = name_of(derived) in ("PBKDF2", "HKDF")
    bits = derive_bits(algorithm, key, None if secret else key_bits(derived), "deriveKey")
    return import_key("raw", bits, derived, extractable, usages)


def wrap_key(form: str, key: Key, wrapping: Key, algorithm: Algorithm) -> str:
    """`subtle.wrapKey`."""
    exported = export_key(form, key)
    data = pack(json.dumps(exported).encode()) if form == "jwk" else exported
    return encrypt(algorithm, wrapping, data, "wrapKey")


def unwrap_key(
    form: str, wrapped: str, wrapping: Key, algorithm: Algorithm, derived: Algorithm, extractable: bool, usages: list[str]
) -> Key:
    """`subtle.unwrapKey`."""
    data = decrypt(algorithm, wrapping, wrapped, "unwrapKey")
    return import_key(form, json.loads(unpack(data)) if form == "jwk" else data, derived, extractable, usages)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "digest": digest,
    "sign": sign,
    "verify": verify,
    "encrypt": encrypt,
    "decrypt": decrypt,
    "generateKey": generate_key,
    "importKey": import_key,
    "exportKey": export_key,
    "deriveBits": derive_bits,
    "deriveKey": derive_key,
    "wrapKey": wrap_key,
    "unwrapKey": unwrap_key,
}
