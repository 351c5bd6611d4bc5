// Puts a report into every async function of a script: `{ body }` becomes `{try{ body }catch(e){throw report(e)}}`, on
// the same lines. Where the text is not understood, or the outcome does not compile, it is left as it was.
(host) => {
  'use strict';
  const words = new Set(
    'return typeof instanceof in of new delete void throw case do else yield await default extends'.split(' '),
  );
  const token =
    /\s+|\/\/[^\n]*|\/\*[^]*?\*\/|[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*|\.?\d[\w.]*|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*'|=>|\+\+|--|\?\.|[^]/uy;
  const regexp = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
  const piece = /(?:\\[^]|\$(?!\{)|[^\\`$])*(`|\$\{)/y;
  const closers = { __proto__: null, '(': ')', '[': ']', '{': '}' };

  // Tokens as [text, start, newline before it, end]; templates come as one token for each stretch of text.
  const tokens = (code) => {
    const found = [];
    const open = [];
    let at = 0;
    let newline = false;
    const push = (text, end) => {
      found.push([text, at, newline, end]);
      newline = false;
      at = end;
    };
    const match = (pattern) => {
      pattern.lastIndex = at;
      const hit = pattern.exec(code);
      if (!hit) throw new SyntaxError('cannot read on');
      return hit[0];
    };
    const template = (lead) => {
      const begin = at;
      at += lead;
      const text = match(piece);
      const end = at + text.length;
      at = begin;
      if (text.endsWith('${')) open.push('`');
      push(text.endsWith('${') ? '`${' : '``', end);
    };
    while (at < code.length) {
      const char = code[at];
      if (char === '`') template(1);
      else if (char === '}' && open[open.length - 1] === '`') {
        open.pop();
        template(1);
      } else {
        const operand = found.length && isOperandEnd(found[found.length - 1][0]);
        const comment = code[at + 1] === '/' || code[at + 1] === '*';
        const text = match(char === '/' && !comment && !operand ? regexp : token);
        if (/^\s|^\/[/*]/.test(text)) {
          newline = newline || text.includes('\n');
          at += text.length;
          continue;
        }
        if (text === '{') open.push('{');
        else if (text === '}') open.pop();
        push(text.startsWith('/') && text.length > 1 ? 'regexp' : text, at + text.length);
      }
    }
    return found;
  };
  const isOperandEnd = (text) => /^[\p{ID_Continue}$)\]}"'`.#]/u.test(text) && !words.has(text) && text !== '`${';

  // The index of the bracket that closes the one at `from`.
  const closing = (list, from) => {
    const open = [];
    for (let i = from; i < list.length; i++) {
      const text = list[i][0];
      if (closers[text]) open.push(closers[text]);
      else if (text === open[open.length - 1]) {
        open.pop();
        if (!open.length) return i;
      }
    }
    throw new SyntaxError('unbalanced');
  };
  // Where the expression that begins at `from` ends: the index of the first token that is no longer part of it.
  const expressionEnd = (list, from) => {
    let i = from;
    while (i < list.length) {
      const [text, , newline] = list[i];
      if (/^[,;)\]}]$/.test(text)) return i;
      const starts = /^[\p{ID_Start}$_\d"'{]/u.test(text) && text !== 'in' && text !== 'instanceof';
      if (newline && i > from && starts && isOperandEnd(list[i - 1][0])) return i;
      i = closers[text] ? closing(list, i) + 1 : i + 1;
    }
    return i;
  };

  // The first token of the body of the async function whose `async` is at `i`, or -1 when that is none.
  const bodyOf = (list, i) => {
    let at = i + 1;
    if (!list[at] || list[at][2] || (i && list[i - 1][0] === '.')) return -1;
    if (list[at][0] === 'function') at++;
    if (list[at][0] !== '(') at++;
    if (!list[at]) return -1;
    if (list[at][0] === '=>') return at + 1;
    if (list[at][0] !== '(') return -1;
    at = closing(list, at) + 1;
    if (!list[at]) return -1;
    if (list[at][0] === '=>') return at + 1;
    return list[at][0] === '{' ? at : -1;
  };
  const edits = (list) => {
    const made = [];
    const tail = `}catch(e){throw ${host.escapeName}(e)}`;
    list.forEach(([text], i) => {
      const body = text === 'async' ? bodyOf(list, i) : -1;
      if (body < 0) return;
      if (list[body][0] === '{') {
        made.push([list[body][1] + 1, 'try{'], [list[closing(list, body)][1], tail]);
        return;
      }
      const last = list[expressionEnd(list, body) - 1];
      made.push([list[body][1], '{try{return '], [last[3], `${tail}}`]);
    });
    return made.sort((a, b) => a[0] - b[0]);
  };

  const rewrite = (code) => {
    const list = tokens(code);
    const shifts = [];
    let out = '';
    let from = 0;
    for (const [at, text] of edits(list)) {
      out += code.slice(from, at);
      shifts.push([out.split('\n').length, out.length - out.lastIndexOf('\n'), text.length]);
      out += text;
      from = at;
    }
    return { code: out + code.slice(from), shifts };
  };
  const known = new Map();
  const { get, set, has, clear } = Map.prototype;
  // The script to run and what was put in, as [line, column, length] of each insertion.
  host.reporting = (code) => {
    if (typeof code !== 'string' || !host.apply(String.prototype.includes, code, ['async'])) return { code, shifts: [] };
    if (!host.apply(has, known, [code])) {
      if (known.size > 200) host.apply(clear, known, []);
      host.apply(set, known, [code, attempt(code)]);
    }
    return host.apply(get, known, [code]);
  };
  const attempt = (code) => {
    try {
      const changed = rewrite(code);
      new Function(`(async()=>{;\n${changed.code}\n;})`);
      return changed;
    } catch (_) {
      return { code, shifts: [] };
    }
  };
}
