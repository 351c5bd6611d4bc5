// URL and URLSearchParams as the WHATWG's URL standard has them.
(host) => {
  'use strict';
  const ports = { __proto__: null, ftp: 21, http: 80, https: 443, ws: 80, wss: 443, file: null };
  const isSpecial = (url) => url.scheme in ports;

  // --- percent-encoding: each set names the ASCII characters that are encoded on top of C0 controls and non-ASCII ----
  const set = (characters) => new Set(characters);
  const fragmentSet = set(' "<>`');
  const querySet = set(' "#<>');
  const specialQuerySet = set(' "#<>\'');
  const pathSet = set(' "#<>?^`{}');
  const userSet = set(' "#<>?^`{}/:;=@[\\]|');
  const controlSet = set('');
  const encodeChar = (char, which) => {
    const code = char.codePointAt(0);
    if (code > 0x1f && code < 0x7f && !which.has(char)) return char;
    let out = '';
    for (const byte of host.utf8.encode(char)) out += `%${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`;
    return out;
  };
  const encode = (text, which) => {
    let out = '';
    for (const char of text) out += encodeChar(char, which);
    return out;
  };
  const decodeBytes = (text) => {
    const bytes = host.utf8.encode(text);
    const out = [];
    for (let i = 0; i < bytes.length; i++) {
      const hex = bytes[i] === 37 ? String.fromCharCode(bytes[i + 1] || 0, bytes[i + 2] || 0) : '';
      if (/^[0-9a-f]{2}$/i.test(hex)) {
        out.push(parseInt(hex, 16));
        i += 2;
      } else out.push(bytes[i]);
    }
    return new Uint8Array(out);
  };
  const decode = (text) => (/%/.test(text) ? host.utf8.decode(decodeBytes(text)) : text);

  // --- hosts -------------------------------------------------------------------------------------------------------
  const bad = (what) => {
    throw new RangeError(what);
  };
  const adapt = (delta, count, first) => {
    let left = first ? Math.floor(delta / 700) : delta >> 1;
    left += Math.floor(left / count);
    let k = 0;
    for (; left > 455; k += 36) left = Math.floor(left / 35);
    return k + Math.floor((36 * left) / (left + 38));
  };
  const punycode = (label) => {
    const points = [...label].map((char) => char.codePointAt(0));
    const basic = points.filter((point) => point < 128);
    let out = String.fromCharCode(...basic) + (basic.length ? '-' : '');
    let [n, delta, bias, done] = [128, 0, 72, basic.length];
    while (done < points.length) {
      const next = Math.min(...points.filter((point) => point >= n));
      delta += (next - n) * (done + 1);
      n = next;
      for (const point of points) {
        if (point < n) delta++;
        if (point !== n) continue;
        let q = delta;
        for (let k = 36; ; k += 36) {
          const t = Math.min(Math.max(k - bias, 1), 26);
          if (q < t) break;
          out += ((t + ((q - t) % (36 - t))) % 36).toString(36);
          q = Math.floor((q - t) / (36 - t));
        }
        out += q.toString(36);
        bias = adapt(delta, done + 1, done === basic.length);
        delta = 0;
        done++;
      }
      delta++;
      n++;
    }
    // Punycode counts a to z first and digits last, the other way round from base 36.
    const from = basic.length ? basic.length + 1 : 0;
    return out.slice(0, from) + out.slice(from).replace(/./g, (digit) => {
      const value = parseInt(digit, 36);
      return value < 26 ? String.fromCharCode(97 + value) : String(value - 26);
    });
  };
  const toAscii = (domain) => {
    if (/^[\x21-\x7e]*$/.test(domain)) return domain.toLowerCase();
    const mapped = domain
      .replace(/[\u00ad\u200b\u2060\ufeff\u180b-\u180d\ufe00-\ufe0f]/g, '')
      .replace(/ẞ/g, 'ss')
      .normalize('NFKC')
      .toLowerCase()
      .normalize('NFC')
      .replace(/[\u3002\uff0e\uff61]/g, '.');
    return mapped.split('.').map((label) => (/^[\0-\x7f]*$/.test(label) ? label : `xn--${punycode(label)}`)).join('.');
  };
  const ipv4Number = (part) => {
    if (part === '') return NaN;
    const [, prefix, digits] = /^(0x|0(?=.))?(.*)$/i.exec(part);
    if (!prefix) return /^\d+$/.test(digits) ? parseInt(digits, 10) : NaN;
    if (prefix === '0') return /^[0-7]*$/.test(digits) ? parseInt(digits || '0', 8) : NaN;
    return /^[0-9a-f]*$/i.test(digits) ? parseInt(digits || '0', 16) : NaN;
  };
  const endsInNumber = (domain) => {
    const parts = domain.split('.');
    if (parts[parts.length - 1] === '' && parts.length > 1) parts.pop();
    const last = parts[parts.length - 1];
    return /^\d+$/.test(last) || /^0x[0-9a-f]*$/i.test(last);
  };
  const ipv4 = (domain) => {
    const parts = domain.split('.');
    if (parts[parts.length - 1] === '' && parts.length > 1) parts.pop();
    const numbers = parts.map(ipv4Number);
    if (parts.length > 4 || numbers.some(Number.isNaN)) bad('IPv4');
    const last = numbers.pop();
    if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) bad('IPv4');
    const whole = numbers.reduce((sum, number, i) => sum + number * 256 ** (3 - i), last);
    return [24, 16, 8, 0].map((shift) => Math.floor(whole / 2 ** shift) % 256).join('.');
  };
  const ipv6Pieces = (text) => {
    if (text === '') return [];
    const parts = text.split(':');
    const pieces = [];
    parts.forEach((part, i) => {
      if (i === parts.length - 1 && /^\d{1,3}(\.\d{1,3}){3}$/.test(part)) {
        const bytes = part.split('.').map((byte) => (/^0./.test(byte) || byte > 255 ? bad('IPv6') : +byte));
        pieces.push(bytes[0] * 256 + bytes[1], bytes[2] * 256 + bytes[3]);
      } else if (/^[0-9a-f]{1,4}$/i.test(part)) pieces.push(parseInt(part, 16));
      else bad('IPv6');
    });
    return pieces;
  };
  const ipv6 = (text) => {
    const halves = text.split('::');
    if (halves.length > 2) bad('IPv6');
    const [left, right] = [ipv6Pieces(halves[0]), halves.length === 2 ? ipv6Pieces(halves[1]) : []];
    const missing = 8 - left.length - right.length;
    if (halves.length === 2 ? missing < 1 : missing !== 0) bad('IPv6');
    return compress([...left, ...Array(missing).fill(0), ...right]);
  };
  const compress = (pieces) => {
    const text = pieces.map((piece) => piece.toString(16)).join(':');
    const runs = text.match(/(?<![0-9a-f])0(:0)+(?![0-9a-f])/g) || [];
    const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
    if (!longest) return text;
    const at = runs[0] === longest && text.startsWith(longest) ? 0 : text.indexOf(`:${longest}`) + 1;
    return `${text.slice(0, at).replace(/:$/, '')}::${text.slice(at + longest.length).replace(/^:/, '')}`;
  };
  const parseHost = (text, special) => {
    if (text[0] === '[') return text.endsWith(']') ? `[${ipv6(text.slice(1, -1))}]` : bad('host');
    if (!special) {
      if (/[\0\t\n\r #/:<>?@[\\\]^|]/.test(text)) bad('host');
      return encode(text, controlSet);
    }
    const domain = toAscii(decode(text));
    if (domain === '' || /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(domain)) bad('host');
    return endsInNumber(domain) ? ipv4(domain) : domain;
  };

  // --- the parser: the standard's states, as functions over the text that is left --------------------------------------
  const isWindowsDrive = (text) => /^[a-z][:|]$/i.test(text);
  const startsWithDrive = (text) => /^[a-z][:|]([/\\?#]|$)/i.test(text);
  const shorten = (url) => {
    if (url.scheme === 'file' && url.path.length === 1 && /^[a-z]:$/i.test(url.path[0])) return;
    url.path.pop();
  };
  const parseFragment = (url, text) => {
    url.fragment = encode(text, fragmentSet);
  };
  const parseQuery = (url, text) => {
    url.query = encode(text, isSpecial(url) ? specialQuerySet : querySet);
  };
  const splitTail = (text) => {
    const hash = text.indexOf('#');
    const head = hash < 0 ? text : text.slice(0, hash);
    const mark = head.indexOf('?');
    return {
      rest: mark < 0 ? head : head.slice(0, mark),
      query: mark < 0 ? null : head.slice(mark + 1),
      fragment: hash < 0 ? null : text.slice(hash + 1),
    };
  };
  const applyTail = (url, { query, fragment }) => {
    if (query !== null) parseQuery(url, query);
    if (fragment !== null) parseFragment(url, fragment);
  };
  const parsePath = (url, text) => {
    const segments = text.split(isSpecial(url) ? /[/\\]/ : '/');
    segments.forEach((segment, i) => {
      const last = i === segments.length - 1;
      if (/^(\.|%2e){2}$/i.test(segment)) {
        shorten(url);
        if (last) url.path.push('');
      } else if (/^(\.|%2e)$/i.test(segment)) {
        if (last) url.path.push('');
      } else {
        if (url.scheme === 'file' && !url.path.length && isWindowsDrive(segment)) segment = `${segment[0]}:`;
        url.path.push(encode(segment, pathSet));
      }
    });
  };
  const pathStart = (url, text) => {
    if (isSpecial(url)) parsePath(url, text.replace(/^[/\\]/, ''));
    else if (text !== '') parsePath(url, text.replace(/^\//, ''));
  };
  const parseCredentials = (url, text) => {
    const colon = text.indexOf(':');
    url.username = encode(colon < 0 ? text : text.slice(0, colon), userSet);
    url.password = colon < 0 ? '' : encode(text.slice(colon + 1), userSet);
  };
  const parsePort = (url, text) => {
    if (text === '') return;
    if (!/^\d+$/.test(text) || +text > 65535) bad('port');
    url.port = +text === ports[url.scheme] ? null : +text;
  };
  const splitPort = (text) => /^((?:\[[^\]]*\]?|[^:[])*)(?::(.*))?$/s.exec(text);
  const authority = (url, text) => {
    const end = text.search(isSpecial(url) ? /[/\\]/ : /\//);
    const front = end < 0 ? text : text.slice(0, end);
    const at = front.lastIndexOf('@');
    if (at >= 0) parseCredentials(url, front.slice(0, at));
    const [, name, port] = splitPort(front.slice(at + 1)) || bad('host');
    if (name === '' && (isSpecial(url) || at >= 0 || port !== undefined)) bad('host');
    url.host = name === '' ? '' : parseHost(name, isSpecial(url));
    parsePort(url, port || '');
    pathStart(url, end < 0 ? '' : text.slice(end));
  };
  const fileHost = (url, text, base) => {
    if (isWindowsDrive(text.split(/[/\\]/)[0])) {
      url.host = '';
      return pathStart(url, text);
    }
    const end = text.search(/[/\\]/);
    const name = end < 0 ? text : text.slice(0, end);
    const parsed = name === '' ? '' : parseHost(name, true);
    url.host = parsed === 'localhost' ? '' : parsed;
    return pathStart(url, end < 0 ? '' : text.slice(end));
  };
  const file = (url, text, base, tail) => {
    url.host = '';
    const from = base && base.scheme === 'file' ? base : null;
    if (/^[/\\]{2}/.test(text)) return fileHost(url, text.slice(2), from);
    if (/^[/\\]/.test(text)) {
      if (from) {
        url.host = from.host;
        if (!startsWithDrive(text.slice(1)) && /^[a-z]:$/i.test(from.path[0] || '')) url.path.push(from.path[0]);
      }
      return parsePath(url, text.slice(1));
    }
    if (!from) return parsePath(url, text);
    url.host = from.host;
    if (startsWithDrive(text)) return parsePath(url, text);
    return relativePath(url, text, from, tail);
  };
  const relativePath = (url, text, base, tail) => {
    url.path = [...base.path];
    if (text === '') {
      if (tail.query === null) url.query = base.query;
      return;
    }
    shorten(url);
    parsePath(url, text);
  };
  const relative = (url, text, base, tail) => {
    const slashes = isSpecial(url) ? /^[/\\]{2}/ : /^\/\//;
    if (slashes.test(text)) return authority(url, isSpecial(url) ? text.replace(/^[/\\]+/, '') : text.slice(2));
    Object.assign(url, { username: base.username, password: base.password, host: base.host, port: base.port });
    if (text[0] === '/' || (isSpecial(url) && text[0] === '\\')) return parsePath(url, text.slice(1));
    return relativePath(url, text, base, tail);
  };
  const blank = () => ({
    scheme: '', username: '', password: '', host: null, port: null, path: [], opaque: null, query: null, fragment: null,
  });
  const parse = (input, base) => {
    const text = input.replace(/^[\0-\x20]+|[\0-\x20]+$/g, '').replace(/[\t\n\r]/g, '').toWellFormed();
    const url = blank();
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text);
    const tail = splitTail(scheme ? text.slice(scheme[0].length) : text);
    if (scheme) {
      url.scheme = scheme[1].toLowerCase();
      absolute(url, tail, base);
    } else {
      if (!base || (base.opaque !== null && text[0] !== '#')) bad('base');
      url.scheme = base.scheme;
      if (base.opaque !== null) Object.assign(url, { opaque: base.opaque, query: base.query });
      else if (url.scheme === 'file') file(url, tail.rest, base, tail);
      else relative(url, tail.rest, base, tail);
    }
    applyTail(url, tail);
    return url;
  };
  const absolute = (url, tail, base) => {
    const { rest } = tail;
    if (url.scheme === 'file') return file(url, rest, base, tail);
    if (isSpecial(url)) {
      const same = base && base.scheme === url.scheme && !/^[/]{2}/.test(rest);
      return same ? relative(url, rest, base, tail) : authority(url, rest.replace(/^[/\\]+/, ''));
    }
    if (rest.startsWith('//')) return authority(url, rest.slice(2));
    if (rest[0] === '/') return parsePath(url, rest.slice(1));
    url.opaque = encode(rest, controlSet);
    if (tail.query !== null || tail.fragment !== null) url.opaque = url.opaque.replace(/ $/, '%20');
    return undefined;
  };
  const pathOf = (url) => (url.opaque !== null ? url.opaque : url.path.map((segment) => `/${segment}`).join(''));
  const hostOf = (url) => (url.host === null ? '' : url.host + (url.port === null ? '' : `:${url.port}`));
  const serialize = (url) => {
    let out = `${url.scheme}:`;
    if (url.host !== null) {
      const password = url.password ? `:${url.password}` : '';
      out += `//${url.username || password ? `${url.username}${password}@` : ''}${hostOf(url)}`;
    } else if (url.opaque === null && url.path.length > 1 && url.path[0] === '') out += '/.';
    return out + pathOf(url) + (url.query === null ? '' : `?${url.query}`) + (url.fragment === null ? '' : `#${url.fragment}`);
  };
  const canHaveCredentials = (url) => url.host !== null && url.host !== '' && url.scheme !== 'file';
  host.url = {
    parse, serialize, blank, pathOf, hostOf, pathStart, parsePort, parseHost, parseQuery, parseFragment, splitPort,
    isSpecial, canHaveCredentials, encode, decode: decodeBytes, userSet, controlSet, ports,
  };
}
