// The classes over the URL parser of url.js.
(host) => {
  'use strict';
  const own = host.url;

  // --- application/x-www-form-urlencoded -----------------------------------------------------------------------------
  const formSet = new Set(' !"#$%&\'()+,/:;<=>?@[\\]^`{|}~');
  const formEncode = (text) => own.encode(text.toWellFormed(), formSet).replace(/%20/g, '+');
  const formDecode = (text) => host.utf8.decode(own.decode(text.replace(/\+/g, ' ')));
  const formParse = (text) =>
    text.split('&').filter((part) => part !== '').map((part) => {
      const mark = part.indexOf('=');
      return mark < 0 ? [formDecode(part), ''] : [formDecode(part.slice(0, mark)), formDecode(part.slice(mark + 1))];
    });
  const formSerialize = (pairs) => pairs.map(([key, value]) => `${formEncode(key)}=${formEncode(value)}`).join('&');
  const pairsOf = (init) => {
    if (init === undefined) return [];
    if (typeof init !== 'object' && typeof init !== 'function') return formParse(String(init).replace(/^\?/, '').toWellFormed());
    if (init === null) return formParse('null');
    if (typeof init[Symbol.iterator] !== 'function') return Object.keys(init).map((key) => [key, String(init[key])]);
    return Array.from(init, (pair) => {
      const both = Array.from(pair, String);
      if (both.length !== 2) throw new TypeError('Each query pair must be an iterable [name, value] tuple');
      return both;
    });
  };

  let connect; // lets URL watch the list of its searchParams without showing it to scripts
  class URLSearchParams {
    #pairs;
    #changed = () => {};
    static {
      connect = (params, changed) => {
        params.#changed = changed;
        return (query) => {
          params.#pairs = formParse(query);
        };
      };
    }
    constructor(init) {
      this.#pairs = pairsOf(init);
    }
    get size() {
      return this.#pairs.length;
    }
    append(name, value) {
      this.#pairs.push([String(name), String(value)]);
      this.#changed(this.toString());
    }
    delete(name, value) {
      const same = ([key, each]) => key === String(name) && (value === undefined || each === String(value));
      this.#pairs = this.#pairs.filter((pair) => !same(pair));
      this.#changed(this.toString());
    }
    get(name) {
      const found = this.#pairs.find(([key]) => key === String(name));
      return found ? found[1] : null;
    }
    getAll(name) {
      return this.#pairs.filter(([key]) => key === String(name)).map(([, value]) => value);
    }
    has(name, value) {
      return this.#pairs.some(([key, each]) => key === String(name) && (value === undefined || each === String(value)));
    }
    set(name, value) {
      const first = this.#pairs.findIndex(([key]) => key === String(name));
      if (first < 0) return this.append(name, value);
      this.#pairs = this.#pairs.filter(([key], i) => i <= first || key !== String(name));
      this.#pairs[first] = [String(name), String(value)];
      return this.#changed(this.toString());
    }
    sort() {
      this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      this.#changed(this.toString());
    }
    forEach(callback, self) {
      for (const [key, value] of this.#pairs) callback.call(self, value, key, this);
    }
    *entries() {
      for (let i = 0; i < this.#pairs.length; i++) yield [...this.#pairs[i]];
    }
    *keys() {
      for (const [key] of this.entries()) yield key;
    }
    *values() {
      for (const [, value] of this.entries()) yield value;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      return formSerialize(this.#pairs);
    }
  }

  const attempt = (work) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  };
  const invalid = (input) => {
    const error = new TypeError('Invalid URL');
    error.code = 'ERR_INVALID_URL';
    error.input = input;
    return error;
  };
  const clean = (text) => String(text).replace(/[\t\n\r]/g, '').toWellFormed();

  class URL {
    #url;
    #params;
    #refill;
    constructor(input, base) {
      try {
        this.#url = own.parse(String(input), base === undefined ? null : own.parse(String(base), null));
      } catch (error) {
        throw error instanceof RangeError ? invalid(String(input)) : error;
      }
      this.#params = new URLSearchParams();
      this.#refill = connect(this.#params, (query) => {
        this.#url.query = query === '' ? null : query;
      });
      this.#refill(this.#url.query || '');
    }
    static canParse(input, base) {
      return URL.parse(input, base) !== null;
    }
    static parse(input, base) {
      try {
        return new URL(input, base);
      } catch (_) {
        return null;
      }
    }
    get href() {
      return own.serialize(this.#url);
    }
    set href(value) {
      this.#url = new URL(value).#url;
      this.#refill(this.#url.query || '');
    }
    get origin() {
      const { scheme, opaque } = this.#url;
      if (scheme === 'blob' && opaque !== null) {
        const inner = URL.parse(opaque);
        return inner && /^https?:$/.test(inner.protocol) ? inner.origin : 'null';
      }
      return own.isSpecial(this.#url) && scheme !== 'file' ? `${scheme}://${own.hostOf(this.#url)}` : 'null';
    }
    get protocol() {
      return `${this.#url.scheme}:`;
    }
    set protocol(value) {
      const [, scheme] = /^([a-z][a-z0-9+.-]*)(:|$)/i.exec(clean(value)) || [];
      if (!scheme || own.isSpecial(this.#url) !== scheme.toLowerCase() in own.ports) return;
      const next = scheme.toLowerCase();
      const { username, password, port, host: name } = this.#url;
      if (next === 'file' && (username || password || port !== null)) return;
      if (this.#url.scheme === 'file' && name === '') return;
      this.#url.scheme = next;
      if (port === own.ports[next]) this.#url.port = null;
    }
    get username() {
      return this.#url.username;
    }
    set username(value) {
      if (own.canHaveCredentials(this.#url)) this.#url.username = own.encode(String(value).toWellFormed(), own.userSet);
    }
    get password() {
      return this.#url.password;
    }
    set password(value) {
      if (own.canHaveCredentials(this.#url)) this.#url.password = own.encode(String(value).toWellFormed(), own.userSet);
    }
    get host() {
      return own.hostOf(this.#url);
    }
    set host(value) {
      this.#setHost(value, true);
    }
    get hostname() {
      return this.#url.host === null ? '' : this.#url.host;
    }
    set hostname(value) {
      this.#setHost(value, false);
    }
    #setHost(value, withPort) {
      if (this.#url.opaque !== null) return;
      const special = own.isSpecial(this.#url);
      const [text] = clean(value).split(special ? /[/\\?#]/ : /[/?#]/);
      const [, name, port] = own.splitPort(text) || [];
      const isFile = this.#url.scheme === 'file';
      const belongs = this.#url.username || this.#url.password || this.#url.port !== null || port !== undefined;
      if (name === undefined || (name === '' && (special ? !isFile : belongs))) return;
      if ((isFile || !withPort) && port !== undefined) return;
      attempt(() => {
        const parsed = name === '' ? '' : own.parseHost(name, special);
        this.#url.host = isFile && parsed === 'localhost' ? '' : parsed;
        if (port !== undefined) this.#setPort(port);
      });
    }
    get port() {
      return this.#url.port === null ? '' : String(this.#url.port);
    }
    set port(value) {
      if (!own.canHaveCredentials(this.#url)) return;
      if (String(value) === '') this.#url.port = null;
      else this.#setPort(clean(value));
    }
    #setPort(text) {
      const [digits] = /^\d*/.exec(text);
      if (digits) attempt(() => own.parsePort(this.#url, digits));
    }
    get pathname() {
      return own.pathOf(this.#url);
    }
    set pathname(value) {
      if (this.#url.opaque !== null) return;
      this.#url.path = [];
      own.pathStart(this.#url, clean(value).replace(/[?#]/g, encodeURIComponent));
    }
    get search() {
      return this.#url.query ? `?${this.#url.query}` : '';
    }
    set search(value) {
      const text = clean(value).replace(/^\?/, '');
      if (String(value) === '') this.#url.query = null;
      else own.parseQuery(this.#url, text.replace(/#/g, '%23'));
      this.#refill(text);
    }
    get searchParams() {
      return this.#params;
    }
    get hash() {
      return this.#url.fragment ? `#${this.#url.fragment}` : '';
    }
    set hash(value) {
      if (String(value) === '') this.#url.fragment = null;
      else own.parseFragment(this.#url, clean(value).replace(/^#/, ''));
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
  }
  host.publish({ URL, URLSearchParams });
}
