// TextEncoder, TextDecoder (UTF-8, UTF-16, the single-byte encodings most met) and structuredClone.
(host) => {
  'use strict';

  const encode = (value) => {
    const text = String(value);
    let out = new Uint8Array(text.length * 3);
    let at = 0;
    for (let i = 0; i < text.length; i++) {
      let code = text.charCodeAt(i);
      if (code >= 0xd800 && code < 0xe000) {
        const low = text.charCodeAt(i + 1);
        if (code < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          i++;
        } else code = 0xfffd;
      }
      if (code < 0x80) out[at++] = code;
      else if (code < 0x800) {
        out[at++] = 0xc0 | (code >> 6);
        out[at++] = 0x80 | (code & 63);
      } else {
        if (code < 0x10000) out[at++] = 0xe0 | (code >> 12);
        else {
          out[at++] = 0xf0 | (code >> 18);
          out[at++] = 0x80 | ((code >> 12) & 63);
        }
        out[at++] = 0x80 | ((code >> 6) & 63);
        out[at++] = 0x80 | (code & 63);
      }
    }
    return out.slice(0, at);
  };

  // A decoder is `(bytes, state, last) -> text`; `state` carries what a chunk left unfinished to the next one.
  const utf8 = (bytes, state, last) => {
    let { need = 0, seen = 0, point = 0, lower = 0x80, upper = 0xbf } = state;
    const out = text();
    const reset = () => {
      need = seen = point = 0;
      lower = 0x80;
      upper = 0xbf;
    };
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (need === 0) {
        if (byte < 0x80) out.add(byte);
        else if (byte >= 0xc2 && byte <= 0xf4) {
          need = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
          point = byte & (0x3f >> need);
          lower = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80;
          upper = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf;
        } else out.bad(state);
      } else if (byte < lower || byte > upper) {
        reset();
        out.bad(state);
        i--;
      } else {
        lower = 0x80;
        upper = 0xbf;
        point = (point << 6) | (byte & 63);
        if (++seen === need) {
          out.add(point);
          reset();
        }
      }
    }
    if (last && need) {
      reset();
      out.bad(state);
    }
    Object.assign(state, { need, seen, point, lower, upper });
    return out.done();
  };
  const text = () => {
    const parts = [];
    let units = [];
    const flush = () => {
      parts.push(String.fromCharCode.apply(null, units));
      units = [];
    };
    return {
      add(point) {
        if (point > 0xffff) units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 0x3ff));
        else units.push(point);
        if (units.length > 8000) flush();
      },
      bad(state) {
        if (state.fatal) throw new TypeError(`The encoded data was not valid for encoding ${state.encoding}`);
        units.push(0xfffd);
      },
      done() {
        flush();
        return parts.join('');
      },
    };
  };
  const utf16 = (little) => (bytes, state, last) => {
    const out = text();
    const unit = (a, b) => (little ? a | (b << 8) : (a << 8) | b);
    let { odd = null, lead = null } = state;
    for (const byte of bytes) {
      if (odd === null) {
        odd = byte;
        continue;
      }
      const code = unit(odd, byte);
      odd = null;
      if (lead !== null) {
        const high = lead;
        lead = null;
        if (code >= 0xdc00 && code < 0xe000) {
          out.add(0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00));
          continue;
        }
        out.bad(state);
      }
      if (code >= 0xd800 && code < 0xdc00) lead = code;
      else if (code >= 0xdc00 && code < 0xe000) out.bad(state);
      else out.add(code);
    }
    if (last && (odd !== null || lead !== null)) {
      odd = lead = null;
      out.bad(state);
    }
    Object.assign(state, { odd, lead });
    return out.done();
  };
  // Windows-1252 is what the web means by latin1: 0x80 to 0x9f differ from ISO 8859-1.
  const high1252 =
    '\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f' +
    '\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178';
  const windows1252 = (bytes) => {
    const out = text();
    for (const byte of bytes) out.add(byte >= 0x80 && byte < 0xa0 ? high1252.charCodeAt(byte - 0x80) : byte);
    return out.done();
  };

  const labels = { __proto__: null };
  const name = (encoding, decoder, bom, aliases) => {
    for (const label of [encoding, ...aliases.split(' ')]) labels[label] = { encoding, decoder, bom };
  };
  name('utf-8', utf8, true, 'utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8');
  name('utf-16le', utf16(true), true, 'utf-16 ucs-2 unicode csunicode iso-10646-ucs-2 unicodefeff');
  name('utf-16be', utf16(false), true, 'unicodefffe');
  name('windows-1252', windows1252, false, 'latin1 ascii us-ascii iso-8859-1 iso8859-1 iso88591 iso_8859-1 l1 cp1252 x-cp1252');

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(input = '') {
      return encode(input);
    }
    encodeInto(source, target) {
      let read = 0;
      let written = 0;
      for (const char of String(source)) {
        const bytes = encode(char);
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += char.length;
      }
      return { read, written };
    }
  }
  class TextDecoder {
    #kind;
    #fatal;
    #ignoreBOM;
    #state = null;
    constructor(label = 'utf-8', options = {}) {
      this.#kind = labels[String(label).trim().toLowerCase()];
      if (!this.#kind) throw new RangeError(`The "${label}" encoding is not supported`);
      this.#fatal = Boolean(options && options.fatal);
      this.#ignoreBOM = Boolean(options && options.ignoreBOM);
    }
    get encoding() {
      return this.#kind.encoding;
    }
    get fatal() {
      return this.#fatal;
    }
    get ignoreBOM() {
      return this.#ignoreBOM;
    }
    decode(input = new Uint8Array(0), options = {}) {
      const bytes = ArrayBuffer.isView(input)
        ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
        : new Uint8Array(input);
      const last = !(options && options.stream);
      const state = this.#state || { fatal: this.#fatal, encoding: this.encoding, started: false };
      this.#state = last ? null : state;
      const decoded = this.#kind.decoder(bytes, state, last);
      if (state.started || decoded === '') return decoded;
      state.started = true;
      return this.#kind.bom && !this.#ignoreBOM && decoded[0] === '\ufeff' ? decoded.slice(1) : decoded;
    }
  }
  host.utf8 = { encode, decode: (bytes) => utf8(bytes, { fatal: false }, true) };

  // --- structuredClone ---------------------------------------------------------------------------------------------
  const { WeakRef } = globalThis; // the sandbox takes it away from scripts later
  const refuse = (value) => {
    throw new DOMException(`${String(value)} could not be cloned.`, 'DataCloneError');
  };
  const leaf = (value) => {
    if (value instanceof Date) return new Date(value.getTime());
    if (value instanceof RegExp) return new RegExp(value.source, value.flags);
    if (value instanceof Boolean || value instanceof Number || value instanceof String) return Object(value.valueOf());
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (value instanceof SharedArrayBuffer || value instanceof Blob) return value;
    if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef || value instanceof Promise) refuse(value);
    return undefined;
  };
  const errors = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
  const cloneError = (value, copy) => {
    const made = new (errors[value.name] || Error)(value.message);
    host.defineProperty(made, 'stack', { value: value.stack, configurable: true, writable: true });
    if (Object.hasOwn(value, 'cause')) made.cause = copy(value.cause);
    return made;
  };
  const clone = (value, seen) => {
    const copy = (each) => clone(each, seen);
    if (typeof value === 'function' || typeof value === 'symbol') refuse(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const remember = (made) => {
      seen.set(value, made);
      return made;
    };
    const simple = leaf(value);
    if (simple !== undefined) return remember(simple);
    if (ArrayBuffer.isView(value)) {
      const buffer = copy(value.buffer);
      const length = value instanceof DataView ? value.byteLength : value.length;
      return remember(new value.constructor(buffer, value.byteOffset, length));
    }
    if (value instanceof Map) {
      const made = remember(new Map());
      for (const [key, each] of [...value]) made.set(copy(key), copy(each));
      return made;
    }
    if (value instanceof Set) {
      const made = remember(new Set());
      for (const each of [...value]) made.add(copy(each));
      return made;
    }
    if (value instanceof Error) return remember(cloneError(value, copy));
    const made = remember(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) made[key] = copy(value[key]);
    return made;
  };
  const structuredClone = (value) => clone(value, new Map());

  host.publish({ TextEncoder, TextDecoder, structuredClone });
}
