// The web's globals that V8 alone lacks and Postman's sandbox lets scripts use: base64, encodings, events, aborting.
(host) => {
  'use strict';
  const { defineProperty } = host;
  const publish = (values) => {
    for (const name of Object.keys(values)) {
      defineProperty(globalThis, name, { value: values[name], writable: true, configurable: true });
    }
  };
  host.publish = publish;

  const codes = {
    IndexSizeError: 1, HierarchyRequestError: 3, InvalidCharacterError: 5, NotFoundError: 8, NotSupportedError: 9,
    InvalidStateError: 11, SyntaxError: 12, InvalidAccessError: 15, TypeMismatchError: 17, SecurityError: 18,
    NetworkError: 19, AbortError: 20, URLMismatchError: 21, QuotaExceededError: 22, TimeoutError: 23, DataCloneError: 25,
  };
  class DOMException extends Error {
    #name;
    constructor(message = '', name = 'Error') {
      super(message);
      this.#name = String(name);
    }
    get name() {
      return this.#name;
    }
    get code() {
      return codes[this.#name] || 0;
    }
  }

  // --- base64 ------------------------------------------------------------------------------------------------------
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const sixBits = new Uint8Array(128).fill(255);
  for (let i = 0; i < 64; i++) sixBits[alphabet.charCodeAt(i)] = i;
  const fromBytes = (bytes) => {
    let out = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const left = bytes.length - i;
      const group = (bytes[i] << 16) | ((bytes[i + 1] || 0) << 8) | (bytes[i + 2] || 0);
      out += alphabet[group >> 18] + alphabet[(group >> 12) & 63];
      out += (left > 1 ? alphabet[(group >> 6) & 63] : '=') + (left > 2 ? alphabet[group & 63] : '=');
    }
    return out;
  };
  const toBytes = (text) => {
    const out = new Uint8Array(Math.floor((text.length * 3) / 4));
    let bits = 0;
    let held = 0;
    let at = 0;
    for (let i = 0; i < text.length; i++) {
      held = ((held << 6) | sixBits[text.charCodeAt(i)]) & 0xffffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out[at++] = (held >> bits) & 255;
      }
    }
    return out.subarray(0, at);
  };
  host.base64 = { encode: fromBytes, decode: (text) => toBytes(text.replace(/=+$/, '')) };

  const btoa = (value) => {
    const text = String(value);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) throw new DOMException('Invalid character', 'InvalidCharacterError');
      bytes[i] = code;
    }
    return fromBytes(bytes);
  };
  const atob = (value) => {
    let text = String(value).replace(/[\t\n\f\r ]+/g, '');
    if (text.length % 4 === 0) text = text.replace(/==?$/, '');
    if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) {
      throw new DOMException('The string to be decoded is not correctly encoded.', 'InvalidCharacterError');
    }
    let out = '';
    for (const byte of toBytes(text)) out += String.fromCharCode(byte);
    return out;
  };

  // --- files -------------------------------------------------------------------------------------------------------
  const bytesOf = (part) => {
    if (part instanceof Blob) return part._bytes();
    if (ArrayBuffer.isView(part)) return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    if (part instanceof ArrayBuffer) return new Uint8Array(part);
    return host.utf8.encode(String(part));
  };
  const join = (chunks) => {
    const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  };
  class Blob {
    #bytes;
    #type;
    constructor(parts = [], options = {}) {
      this.#bytes = join([...parts].map(bytesOf));
      this.#type = String((options && options.type) || '').toLowerCase();
    }
    _bytes() {
      return this.#bytes;
    }
    get size() {
      return this.#bytes.length;
    }
    get type() {
      return this.#type;
    }
    slice(start, end, type) {
      return new Blob([this.#bytes.slice(start, end)], { type });
    }
    async arrayBuffer() {
      return this.#bytes.slice().buffer;
    }
    async bytes() {
      return this.#bytes.slice();
    }
    async text() {
      return host.utf8.decode(this.#bytes);
    }
  }
  class File extends Blob {
    #name;
    #modified;
    constructor(parts, name, options = {}) {
      super(parts, options);
      this.#name = String(name);
      this.#modified = options.lastModified ?? Date.now();
    }
    get name() {
      return this.#name;
    }
    get lastModified() {
      return this.#modified;
    }
  }

  // --- events ------------------------------------------------------------------------------------------------------
  class Event {
    #prevented = false;
    #stopped = false;
    constructor(type, options = {}) {
      this.type = String(type);
      this.bubbles = Boolean(options.bubbles);
      this.cancelable = Boolean(options.cancelable);
      this.composed = Boolean(options.composed);
      this.target = this.currentTarget = null;
      this.timeStamp = Date.now();
    }
    get defaultPrevented() {
      return this.#prevented;
    }
    preventDefault() {
      if (this.cancelable) this.#prevented = true;
    }
    stopPropagation() {}
    stopImmediatePropagation() {
      this.#stopped = true;
    }
    static stopped(event) {
      return event.#stopped;
    }
  }
  const isStopped = Event.stopped;
  delete Event.stopped;
  const captures = (options) => (typeof options === 'boolean' ? options : Boolean(options && options.capture));
  class EventTarget {
    #heard = [];
    addEventListener(type, listener, options) {
      const capture = captures(options);
      const signal = options && options.signal;
      if (!listener || (signal && signal.aborted)) return;
      if (this.#heard.some((each) => each.type === type && each.listener === listener && each.capture === capture)) return;
      this.#heard.push({ type, listener, capture, once: Boolean(options && options.once) });
      if (signal) signal.addEventListener('abort', () => this.removeEventListener(type, listener, options), { once: true });
    }
    removeEventListener(type, listener, options) {
      const capture = captures(options);
      this.#heard = this.#heard.filter((each) => each.type !== type || each.listener !== listener || each.capture !== capture);
    }
    dispatchEvent(event) {
      event.target = event.currentTarget = this;
      const handler = this[`on${event.type}`];
      const all = this.#heard.filter((each) => each.type === event.type);
      if (typeof handler === 'function') all.unshift({ listener: handler });
      for (const { listener, once, capture } of all) {
        if (once) this.removeEventListener(event.type, listener, capture);
        if (typeof listener === 'function') listener.call(this, event);
        else listener.handleEvent(event);
        if (isStopped(event)) break;
      }
      return !event.defaultPrevented;
    }
  }

  let makingSignal = false;
  const abort = (signal, reason) => {
    if (signal.aborted) return;
    signal._abort(reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason);
  };
  const newSignal = () => {
    makingSignal = true;
    try {
      return new AbortSignal();
    } finally {
      makingSignal = false;
    }
  };
  class AbortSignal extends EventTarget {
    #aborted = false;
    #reason;
    onabort = null;
    constructor() {
      if (!makingSignal) throw new TypeError('Illegal constructor');
      super();
      defineProperty(this, '_abort', {
        value: (reason) => {
          this.#aborted = true;
          this.#reason = reason;
          this.dispatchEvent(new Event('abort'));
        },
      });
    }
    get aborted() {
      return this.#aborted;
    }
    get reason() {
      return this.#reason;
    }
    throwIfAborted() {
      if (this.#aborted) throw this.#reason;
    }
    static abort(reason) {
      const signal = newSignal();
      abort(signal, reason);
      return signal;
    }
    static timeout(delay) {
      const signal = newSignal();
      host.setTimeout(() => abort(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')), delay);
      return signal;
    }
    static any(signals) {
      const joined = newSignal();
      for (const signal of signals) {
        if (signal.aborted) abort(joined, signal.reason);
        else signal.addEventListener('abort', () => abort(joined, signal.reason), { once: true });
      }
      return joined;
    }
  }
  class AbortController {
    #signal = newSignal();
    get signal() {
      return this.#signal;
    }
    abort(reason) {
      abort(this.#signal, reason);
    }
  }

  const { resolve } = host.native.Promise;
  const NativePromise = host.native.Promise;
  const queueMicrotask = (callback) => {
    if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.');
    const settled = host.apply(resolve, NativePromise, [undefined]);
    host.apply(host.native.then, settled, [() => guard(callback)]);
  };
  const guard = (callback) => {
    try {
      callback();
    } catch (error) {
      host.fail(error);
    }
  };
  host.setTimeout = globalThis.setTimeout;
  publish({ self: globalThis, DOMException, atob, btoa, Blob, File, Event, EventTarget, AbortSignal, AbortController, queueMicrotask });
}
