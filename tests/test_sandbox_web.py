"""The web's globals that Postman has and a bare V8 lacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runner.sandbox.v8 import V8Sandbox
from tests.scripts import run


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox() as made:
        yield made


def value_of(sandbox: V8Sandbox, code: str, **settings: Any) -> Any:
    """What the script prints as JSON under `out`."""
    ran = run(sandbox, f"const out = await (async () => {{ {code} }})(); console.log(JSON.stringify(out))", **settings)
    assert ran.result.error is None, ran.result.error
    return json.loads(ran.printed[0])


# --- URL ----------------------------------------------------------------------------------------------------------

URLS = [
    ("http://EXAMPLE.com:80/a/../b/./c?x=1#f", None, "http://example.com/b/c?x=1#f"),
    ("../x?q", "http://u:p@h.com:81/a/b/c", "http://u:p@h.com:81/a/x?q"),
    ("//other/p", "https://h/", "https://other/p"),
    ("?only", "foo://h/p", "foo://h/p?only"),
    ("http://한글.kr/é ?ü=1", None, "http://xn--bj0bj06e.kr/%C3%A9%20?%C3%BC=1"),
    ("http://0x7f.1/", None, "http://127.0.0.1/"),
    ("http://[2001:db8:0:0:1:0:0:1]/", None, "http://[2001:db8::1:0:0:1]/"),
    ("http://[::ffff:1.2.3.4]/", None, "http://[::ffff:102:304]/"),
    ("file:///C:/a/../../b", None, "file:///C:/b"),
    ("mailto:a@b.c", None, "mailto:a@b.c"),
    (" \thttp:\\\\h\\p ", None, "http://h/p"),
    ("http://a%41.b/%7e%zz", None, "http://aa.b/%7e%zz"),
    ("http://user@/x", None, None),
    ("http://a b/", None, None),
    ("http://1.2.3.256/", None, None),
    ("http://h:99999/", None, None),
    ("relative", None, None),
]


@pytest.mark.parametrize(("text", "base", "href"), URLS)
def test_url_parsing(sandbox: V8Sandbox, text: str, base: str | None, href: str | None) -> None:
    code = "const {t, b} = pm.iterationData.toObject(); const u = URL.parse(t, b ?? undefined); return u && u.href"
    assert value_of(sandbox, code, data={"t": text, "b": base}) == href


def test_url_parts_and_setters(sandbox: V8Sandbox) -> None:
    code = """
    const u = new URL('https://u:p@h.com:8443/a/b?x=1&y=2#z');
    const parts = [u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash];
    u.port = '443'; u.pathname = '/n m'; u.search = '?q=é'; u.hash = ''; u.host = 'x.y:1'; u.password = 'a:b';
    return [parts, u.href, JSON.stringify({u}), String(u)];
    """
    parts, href, as_json, text = value_of(sandbox, code)
    assert parts == ["https://h.com:8443", "https:", "u", "p", "h.com:8443", "h.com", "8443", "/a/b", "?x=1&y=2", "#z"]
    assert href == text == "https://u:a%3Ab@x.y:1/n%20m?q=%C3%A9"
    assert json.loads(as_json) == {"u": href}


def test_search_params(sandbox: V8Sandbox) -> None:
    code = """
    const p = new URLSearchParams('?a=1&b=2&a=3&c=%20+'); p.append('d', 'é&='); p.delete('b'); p.set('a', '9'); p.sort();
    const u = new URL('http://h/?x=1'); u.searchParams.append('y', ' '); u.searchParams.delete('x');
    const from = new URLSearchParams({k: 1}); u.search = 'n=2';
    return [p.toString(), [...p.keys()], p.getAll('a'), p.has('b'), p.size, u.href, u.searchParams.get('n'), from.toString(),
            new URLSearchParams([['a', 'b']]).get('a')];
    """
    assert value_of(sandbox, code) == [
        "a=9&c=++&d=%C3%A9%26%3D", ["a", "c", "d"], ["9"], False, 3, "http://h/?n=2", "2", "k=1", "b",
    ]  # fmt: skip


def test_invalid_url_is_a_type_error(sandbox: V8Sandbox) -> None:
    code = "try { new URL('nope') } catch (e) { return [e instanceof TypeError, e.message, e.code, URL.canParse('x:y')] }"
    assert value_of(sandbox, code) == [True, "Invalid URL", "ERR_INVALID_URL", True]


# --- encodings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16le", "utf-16be", "latin1"])
def test_decoder_agrees_with_python(sandbox: V8Sandbox, encoding: str) -> None:
    text = "é ÿ" if encoding == "latin1" else "a é 한글 😀"
    data = list(text.encode(encoding))
    code = """
    const {d, e} = pm.iterationData.toObject(); const bytes = new Uint8Array(d), streamed = new TextDecoder(e);
    let out = ''; for (const byte of bytes) out += streamed.decode(new Uint8Array([byte]), {stream: true});
    return [new TextDecoder(e).decode(bytes), out + streamed.decode()];
    """
    assert value_of(sandbox, code, data={"d": data, "e": encoding}) == [text, text]


@pytest.mark.parametrize("data", [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [0xFF], [0x41, 0xE2, 0x82, 0x42]])
def test_bad_utf8_is_replaced_as_python_does_or_fatal(sandbox: V8Sandbox, data: list[int]) -> None:
    code = """
    const bytes = new Uint8Array(pm.iterationData.get('d')); let fatal = false;
    try { new TextDecoder('utf-8', {fatal: true}).decode(bytes) } catch (e) { fatal = e instanceof TypeError }
    return [new TextDecoder().decode(bytes), fatal];
    """
    assert value_of(sandbox, code, data={"d": data}) == [bytes(data).decode(errors="replace"), True]


def test_byte_order_marks_and_labels(sandbox: V8Sandbox) -> None:
    code = """
    const bom = new Uint8Array([0xef, 0xbb, 0xbf, 0x61]); let unknown;
    try { new TextDecoder('klingon') } catch (e) { unknown = e.name }
    return [new TextDecoder().decode(bom).length, new TextDecoder('UTF8', {ignoreBOM: true}).decode(bom).length, unknown,
            new TextDecoder('ascii').encoding, [...new TextEncoder().encode('\\ud800é')], new TextEncoder().encodeInto('éa', new Uint8Array(2))];
    """
    assert value_of(sandbox, code) == [1, 2, "RangeError", "windows-1252", [239, 191, 189, 195, 169], {"read": 1, "written": 2}]


def test_base64(sandbox: V8Sandbox) -> None:
    code = """
    const names = []; for (const bad of [() => atob('a'), () => atob('*'), () => btoa('é한')]) try { bad() } catch (e) { names.push(e.name) }
    return [btoa('\\x00\\xffab'), atob(' YW Jj '), atob('YQ'), names];
    """
    assert value_of(sandbox, code) == [base64.b64encode(b"\0\xffab").decode(), "abc", "a", ["InvalidCharacterError"] * 3]


# --- objects ------------------------------------------------------------------------------------------------------


def test_structured_clone(sandbox: V8Sandbox) -> None:
    code = """
    const from = {d: new Date(5), m: new Map([[1, new Set([2])]]), r: /x/g, b: new Uint8Array([1, 2]), e: new RangeError('q'), n: [,1]};
    from.self = from; const to = structuredClone(from); let refused;
    try { structuredClone(() => 1) } catch (e) { refused = [e.name, e.code, e instanceof DOMException] }
    return [to !== from && to.self === to, to.d.getTime(), to.m.get(1).has(2), to.r.flags, [...to.b], to.b.buffer !== from.b.buffer,
            to.e instanceof RangeError, 0 in to.n, refused];
    """
    assert value_of(sandbox, code) == [True, 5, True, "g", [1, 2], True, True, False, ["DataCloneError", 25, True]]


def test_blob_and_file(sandbox: V8Sandbox) -> None:
    code = """
    const b = new Blob(['é', new Uint8Array([65])], {type: 'Text/Plain'});
    return [b.size, b.type, await b.text(), await b.slice(2).text(), (await b.arrayBuffer()).byteLength];
    """
    assert value_of(sandbox, code) == [3, "text/plain", "éA", "A", 3]


def test_events_and_aborting(sandbox: V8Sandbox) -> None:
    code = """
    const seen = []; const c = new AbortController();
    c.signal.addEventListener('abort', () => seen.push('once'), {once: true}); c.signal.onabort = () => seen.push('on');
    c.abort(); c.abort(); let thrown; try { c.signal.throwIfAborted() } catch (e) { thrown = e.name }
    const t = new EventTarget(); t.addEventListener('x', (e) => { seen.push(e.type); e.stopImmediatePropagation() });
    t.addEventListener('x', () => seen.push('never')); t.dispatchEvent(new Event('x'));
    const timed = AbortSignal.timeout(5); await new Promise((r) => timed.addEventListener('abort', r));
    return [seen, thrown, AbortSignal.any([c.signal]).aborted, timed.reason.name];
    """
    assert value_of(sandbox, code) == [["on", "once", "x"], "AbortError", True, "TimeoutError"]


def test_random_values(sandbox: V8Sandbox) -> None:
    code = """
    const many = crypto.getRandomValues(new Uint8Array(65536)); let name; const counts = new Array(256).fill(0);
    for (const byte of many) counts[byte]++;
    try { crypto.getRandomValues(new Uint8Array(65537)) } catch (e) { name = e.name }
    return [Math.min(...counts), Math.max(...counts), name, crypto.randomUUID(), crypto.randomUUID()];
    """
    low, high, name, one, two = value_of(sandbox, code)
    assert 150 < low <= 256 <= high < 370
    assert name == "QuotaExceededError"
    assert one != two
    assert one[14] == "4"
    assert one[19] in "89ab"


# --- crypto.subtle ------------------------------------------------------------------------------------------------

HELP = """
const hex = (b) => Buffer.from(b).toString('hex'), utf = (t) => new TextEncoder().encode(t), raw = (h) => Uint8Array.from(Buffer.from(h, 'hex'));
const S = crypto.subtle;
"""


def subtle(sandbox: V8Sandbox, code: str, **data: Any) -> Any:
    return value_of(sandbox, f"{HELP} const D = pm.iterationData.toObject(); {code}", data=data)


@pytest.mark.parametrize("name", ["SHA-1", "SHA-256", "SHA-384", "SHA-512"])
def test_digest(sandbox: V8Sandbox, name: str) -> None:
    expected = hashlib.new(name.replace("-", ""), "가".encode()).hexdigest()
    assert subtle(sandbox, "return hex(await S.digest(D.name, utf('가')))", name=name) == expected


def test_a_digest_nobody_waits_for_is_still_done_before_the_script_ends(sandbox: V8Sandbox) -> None:
    ran = run(sandbox, "crypto.subtle.digest('SHA-256', new Uint8Array(1)).then((d) => pm.environment.set('d', d.byteLength))")
    assert [each.value for each in ran.result.environment] == [32]


def test_hmac(sandbox: V8Sandbox) -> None:
    code = """
    const key = await S.importKey('raw', utf('secret'), {name: 'hmac', hash: 'SHA-256'}, false, ['sign', 'verify']);
    const signed = await S.sign('HMAC', key, utf('text'));
    return [hex(signed), await S.verify('HMAC', key, signed, utf('text')), await S.verify('HMAC', key, signed, utf('other')), key.algorithm];
    """
    signed, good, bad, algorithm = subtle(sandbox, code)
    assert signed == hmac.new(b"secret", b"text", "sha256").hexdigest()
    assert (good, bad) == (True, False)
    assert algorithm == {"name": "HMAC", "length": 48, "hash": {"name": "SHA-256"}}


@pytest.mark.parametrize(
    "algorithm",
    [
        "{name: 'AES-CBC', iv: new Uint8Array(16)}",
        "{name: 'AES-GCM', iv: new Uint8Array(12), additionalData: utf('x')}",
        "{name: 'AES-GCM', iv: new Uint8Array(12), tagLength: 96}",
        "{name: 'AES-CTR', counter: new Uint8Array(16).fill(255), length: 64}",
    ],
)
def test_aes_round_trip(sandbox: V8Sandbox, algorithm: str) -> None:
    code = f"""
    const how = {algorithm}; const key = await S.generateKey({{name: how.name, length: 256}}, true, ['encrypt', 'decrypt']);
    const sealed = await S.encrypt(how, key, utf('한글 and a second block of it'));
    return [new TextDecoder().decode(await S.decrypt(how, key, sealed)), sealed.byteLength > 0];
    """
    assert subtle(sandbox, code) == ["한글 and a second block of it", True]


def test_aes_gcm_agrees_with_python(sandbox: V8Sandbox) -> None:
    code = """
    const key = await S.importKey('raw', raw(D.key), 'AES-GCM', false, ['encrypt']);
    return hex(await S.encrypt({name: 'AES-GCM', iv: raw(D.iv)}, key, utf('text')));
    """
    expected = AESGCM(bytes(16)).encrypt(bytes(12), b"text", None).hex()
    assert subtle(sandbox, code, key="00" * 16, iv="00" * 12) == expected


def test_tampering_and_wrong_use_are_refused(sandbox: V8Sandbox) -> None:
    code = """
    const how = {name: 'AES-GCM', iv: new Uint8Array(12)}, names = [];
    const key = await S.generateKey({name: 'AES-GCM', length: 128}, false, ['encrypt', 'decrypt']);
    const sealed = new Uint8Array(await S.encrypt(how, key, utf('x'))); sealed[0] ^= 1;
    const tries = [() => S.decrypt(how, key, sealed), () => S.exportKey('raw', key), () => S.sign('HMAC', key, sealed),
                   () => S.digest('MD5', sealed), () => S.importKey('raw', new Uint8Array(5), 'AES-CBC', true, ['encrypt'])];
    for (const each of tries) await each().catch((e) => names.push(e.name));
    return names;
    """
    assert subtle(sandbox, code) == [
        "OperationError",
        "InvalidAccessError",
        "InvalidAccessError",
        "NotSupportedError",
        "DataError",
    ]


def test_rsa_signature_agrees_with_python(sandbox: V8Sandbox) -> None:
    private = rsa.generate_private_key(65537, 2048)
    der = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    code = """
    const how = {name: D.name, hash: 'SHA-256', saltLength: 32};
    const key = await S.importKey('pkcs8', raw(D.der), how, true, ['sign']);
    return [hex(await S.sign(how, key, utf('text'))), hex(key.algorithm.publicExponent), (await S.exportKey('jwk', key)).kty];
    """
    for name, pad in (("RSASSA-PKCS1-v1_5", padding.PKCS1v15()), ("RSA-PSS", padding.PSS(padding.MGF1(hashes.SHA256()), 32))):
        signed, exponent, kty = subtle(sandbox, code, name=name, der=der.hex())
        private.public_key().verify(bytes.fromhex(signed), b"text", pad, hashes.SHA256())
        assert (exponent, kty) == ("010001", "RSA")


def test_rsa_oaep_and_jwk(sandbox: V8Sandbox) -> None:
    code = """
    const how = {name: 'RSA-OAEP', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256'};
    const pair = await S.generateKey(how, true, ['encrypt', 'decrypt']);
    const jwk = await S.exportKey('jwk', pair.privateKey), again = await S.importKey('jwk', jwk, how, true, ['decrypt']);
    const sealed = await S.encrypt('RSA-OAEP', pair.publicKey, utf('secret'));
    return [new TextDecoder().decode(await S.decrypt('RSA-OAEP', again, sealed)), jwk.alg, pair.publicKey.usages, pair.privateKey.type];
    """
    assert subtle(sandbox, code) == ["secret", "RSA-OAEP-256", ["encrypt"], "private"]


def test_ecdsa_agrees_with_python(sandbox: V8Sandbox) -> None:
    code = """
    const pair = await S.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, true, ['sign', 'verify']);
    const signed = await S.sign({name: 'ECDSA', hash: 'SHA-256'}, pair.privateKey, utf('text'));
    const jwk = await S.exportKey('jwk', pair.publicKey), again = await S.importKey('jwk', jwk, {name: 'ECDSA', namedCurve: 'P-256'}, true, ['verify']);
    const ok = await S.verify({name: 'ECDSA', hash: 'SHA-256'}, again, signed, utf('text'));
    return [hex(await S.exportKey('raw', pair.publicKey)), hex(signed), ok, hex(await S.exportKey('spki', pair.publicKey)).length > 100];
    """
    point, signed, ok, has_spki = subtle(sandbox, code)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(point))
    r, s = int(signed[:64], 16), int(signed[64:], 16)
    public.verify(encode_dss_signature(r, s), b"text", ec.ECDSA(hashes.SHA256()))
    assert ok
    assert has_spki


def test_derivation(sandbox: V8Sandbox) -> None:
    code = """
    const base = await S.importKey('raw', utf('pw'), 'PBKDF2', false, ['deriveBits', 'deriveKey']);
    const how = {name: 'PBKDF2', hash: 'SHA-256', salt: utf('salt'), iterations: 10};
    const key = await S.deriveKey(how, base, {name: 'AES-CBC', length: 256}, true, ['encrypt']);
    const hk = await S.importKey('raw', utf('ikm'), 'HKDF', false, ['deriveBits']);
    const a = await S.generateKey({name: 'ECDH', namedCurve: 'P-256'}, false, ['deriveBits']), b = await S.generateKey({name: 'ECDH', namedCurve: 'P-256'}, false, ['deriveBits']);
    const one = await S.deriveBits({name: 'ECDH', public: b.publicKey}, a.privateKey, 128), two = await S.deriveBits({name: 'ECDH', public: a.publicKey}, b.privateKey, 128);
    return [hex(await S.deriveBits(how, base, 256)), hex(await S.exportKey('raw', key)), hex(one) === hex(two),
            (await S.deriveBits({name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: new Uint8Array(0)}, hk, 128)).byteLength];
    """
    expected = hashlib.pbkdf2_hmac("sha256", b"pw", b"salt", 10, 32).hex()
    assert subtle(sandbox, code) == [expected, expected, True, 16]


@pytest.mark.parametrize(("name", "form"), [("AES-KW", "raw"), ("AES-GCM", "jwk")])
def test_wrapping(sandbox: V8Sandbox, name: str, form: str) -> None:
    code = """
    const how = {name: D.name, iv: new Uint8Array(12)};
    const outer = await S.generateKey({name: D.name, length: 256}, false, ['wrapKey', 'unwrapKey']);
    const inner = await S.generateKey({name: 'AES-CBC', length: 128}, true, ['encrypt']);
    const again = await S.unwrapKey(D.form, await S.wrapKey(D.form, inner, outer, how), outer, how, 'AES-CBC', true, ['encrypt']);
    return hex(await S.exportKey('raw', inner)) === hex(await S.exportKey('raw', again));
    """
    assert subtle(sandbox, code, name=name, form=form) is True
