// `crypto`: random numbers from a ChaCha20 stream keyed by the host, and `crypto.subtle`, which the host answers.
(host) => {
  'use strict';
  const { base64, native, apply } = host;

  // --- random ------------------------------------------------------------------------------------------------------
  const key = new Uint32Array(host.seed.match(/.{8}/g).map((word) => parseInt(word, 16)));
  let counter = 0;
  const rotate = (value, by) => (value << by) | (value >>> (32 - by));
  const quarter = (x, a, b, c, d) => {
    x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b]; x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d]; x[b] = rotate(x[b] ^ x[c], 7);
  };
  const block = () => {
    const start = new Uint32Array(16);
    start.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
    start.set(key, 4);
    start[12] = counter % 2 ** 32;
    start[13] = Math.floor(counter++ / 2 ** 32);
    const x = start.slice();
    for (let round = 0; round < 10; round++) {
      quarter(x, 0, 4, 8, 12); quarter(x, 1, 5, 9, 13); quarter(x, 2, 6, 10, 14); quarter(x, 3, 7, 11, 15);
      quarter(x, 0, 5, 10, 15); quarter(x, 1, 6, 11, 12); quarter(x, 2, 7, 8, 13); quarter(x, 3, 4, 9, 14);
    }
    for (let i = 0; i < 16; i++) x[i] += start[i];
    return new Uint8Array(x.buffer);
  };
  const fill = (bytes) => {
    for (let at = 0; at < bytes.length; at += 64) bytes.set(block().subarray(0, bytes.length - at), at);
  };
  const integers = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];

  // --- subtle ------------------------------------------------------------------------------------------------------
  const waiting = new Map();
  const { get: find, set: put, delete: drop } = Map.prototype;
  let lastCall = 0;
  let asked = [];
  const ask = (operation, args) => {
    const call = ++lastCall;
    const answer = new native.Promise((resolve, reject) => apply(put, waiting, [call, { resolve, reject }]));
    asked[asked.length] = [call, operation, args];
    host.asking(asked.length);
    return answer;
  };
  host.questions = () => {
    const left = asked;
    asked = [];
    host.asking(0);
    return host.stringify(left);
  };
  host.answer = (call, failure, result) => {
    const { resolve, reject } = apply(find, waiting, [call]);
    apply(drop, waiting, [call]);
    if (failure) reject(new DOMException(failure.message, failure.name));
    else resolve(result);
  };

  let making = false;
  class CryptoKey {
    #shown;
    #held;
    constructor() {
      if (!making) throw new TypeError('Illegal constructor');
    }
    get type() {
      return this.#shown.type;
    }
    get extractable() {
      return this.#shown.extractable;
    }
    get algorithm() {
      return this.#shown.algorithm;
    }
    get usages() {
      return this.#shown.usages;
    }
    static make(shown, held) {
      making = true;
      const made = new CryptoKey();
      making = false;
      made.#shown = shown;
      made.#held = held;
      return made;
    }
    static held(key) {
      return key.#held;
    }
  }
  const { make, held } = CryptoKey;
  delete CryptoKey.make;
  delete CryptoKey.held;

  const view = (data) => {
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    throw new TypeError('The data must be an ArrayBuffer or a view of one');
  };
  const pack = (data) => base64.encode(view(data));
  const unpack = (text) => base64.decode(text).buffer.slice(0, Math.floor((text.replace(/=+$/, '').length * 3) / 4));
  const same = (hash) => (typeof hash === 'string' ? { name: hash } : hash);
  // An algorithm as JSON: bytes as base64, keys as what the host needs of them.
  const algorithmOf = (algorithm) => {
    const plain = {};
    for (const [name, value] of Object.entries(same(algorithm))) {
      if (value instanceof CryptoKey) plain[name] = held(value);
      else if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) plain[name] = pack(value);
      else if (name === 'hash') plain[name] = same(value);
      else plain[name] = value;
    }
    plain.name = String(plain.name);
    return plain;
  };
  const shownAlgorithm = (algorithm) => {
    const shown = { ...algorithm };
    if (shown.publicExponent) shown.publicExponent = new Uint8Array(unpack(shown.publicExponent));
    return shown;
  };
  const keyOf = ({ type, extractable, algorithm, usages, material }) =>
    make({ type, extractable, algorithm: shownAlgorithm(algorithm), usages }, { type, extractable, algorithm, usages, material });
  const keysOf = (answer) =>
    answer.privateKey ? { privateKey: keyOf(answer.privateKey), publicKey: keyOf(answer.publicKey) } : keyOf(answer);
  const keyData = (format, data) => (format === 'jwk' ? data : pack(data));
  const exported = (format, data) => (format === 'jwk' ? data : unpack(data));
  const isKey = (key) => (key instanceof CryptoKey ? held(key) : refuse());
  const refuse = () => {
    throw new TypeError('The key must be a CryptoKey');
  };

  class SubtleCrypto {
    async digest(algorithm, data) {
      return unpack(await ask('digest', [algorithmOf(algorithm), pack(data)]));
    }
    async sign(algorithm, key, data) {
      return unpack(await ask('sign', [algorithmOf(algorithm), isKey(key), pack(data)]));
    }
    async verify(algorithm, key, signature, data) {
      return ask('verify', [algorithmOf(algorithm), isKey(key), pack(signature), pack(data)]);
    }
    async encrypt(algorithm, key, data) {
      return unpack(await ask('encrypt', [algorithmOf(algorithm), isKey(key), pack(data)]));
    }
    async decrypt(algorithm, key, data) {
      return unpack(await ask('decrypt', [algorithmOf(algorithm), isKey(key), pack(data)]));
    }
    async importKey(format, data, algorithm, extractable, usages) {
      const args = [format, keyData(format, data), algorithmOf(algorithm), Boolean(extractable), [...usages]];
      return keyOf(await ask('importKey', args));
    }
    async exportKey(format, key) {
      return exported(format, await ask('exportKey', [format, isKey(key)]));
    }
    async generateKey(algorithm, extractable, usages) {
      return keysOf(await ask('generateKey', [algorithmOf(algorithm), Boolean(extractable), [...usages]]));
    }
    async deriveBits(algorithm, key, length = null) {
      return unpack(await ask('deriveBits', [algorithmOf(algorithm), isKey(key), length]));
    }
    async deriveKey(algorithm, key, derived, extractable, usages) {
      const args = [algorithmOf(algorithm), isKey(key), algorithmOf(derived), Boolean(extractable), [...usages]];
      return keyOf(await ask('deriveKey', args));
    }
    async wrapKey(format, key, wrapping, algorithm) {
      return unpack(await ask('wrapKey', [format, isKey(key), isKey(wrapping), algorithmOf(algorithm)]));
    }
    async unwrapKey(format, wrapped, wrapping, algorithm, keyAlgorithm, extractable, usages) {
      const args = [format, pack(wrapped), isKey(wrapping), algorithmOf(algorithm), algorithmOf(keyAlgorithm)];
      return keyOf(await ask('unwrapKey', [...args, Boolean(extractable), [...usages]]));
    }
  }
  const subtle = new SubtleCrypto();

  class Crypto {
    get subtle() {
      return subtle;
    }
    getRandomValues(array) {
      if (!integers.some((kind) => array instanceof kind)) {
        throw new DOMException('The data argument must be an integer-type TypedArray', 'TypeMismatchError');
      }
      if (array.byteLength > 65536) {
        throw new DOMException(`The requested length exceeds 65,536 bytes`, 'QuotaExceededError');
      }
      fill(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
      return array;
    }
    randomUUID() {
      const bytes = block().subarray(0, 16);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('');
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    }
  }
  host.publish({ Crypto, CryptoKey, SubtleCrypto, crypto: new Crypto() });
}
