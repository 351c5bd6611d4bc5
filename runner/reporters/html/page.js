(() => {
'use strict';
// Everything a server or a script wrote gets into the page as text, never as markup.
const entries = JSON.parse(document.getElementById('entries').textContent);
const PHASES = ['dns', 'tcp', 'tls', 'wait', 'download'];
const SVG = 'http://www.w3.org/2000/svg';
const OUTCOMES = ['failed', 'broken', 'refused', 'skipped', 'passed'];
const by = (id) => document.getElementById(id);

const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};
const draw = (tag, attributes, ...children) => {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const ms = (time) => (time >= 1000 ? `${(time / 1000).toFixed(2)} s` : `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`);
const bytes = (count) => (count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : count >= 1e3 ? `${(count / 1e3).toFixed(1)} kB` : `${count} B`);

// --- the waterfall: a bar for each request, on the time of the whole run ---------------------------------------------
const requestsOf = (entry) => entry.requests || [];
let end = 1;
for (const entry of entries) for (const request of requestsOf(entry)) end = Math.max(end, request.start + (request.time || 0));

const segments = (request, scale, offset) => {
  const bars = [];
  let at = offset;
  (request.phases || []).forEach((length, phase) => {
    if (length > 0) bars.push(draw('rect', { class: PHASES[phase], x: at * scale, y: 2, width: Math.max(length * scale, 0.5), height: 12 }));
    at += length;
  });
  return bars;
};
const waterfall = (entry) => {
  const scale = 1000 / end;
  const svg = draw('svg', { class: 'waterfall', viewBox: '0 0 1000 16', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  for (const request of requestsOf(entry)) {
    const start = Math.max(request.start, 0);
    const all = Math.max((request.time || 0) * scale, 2);
    svg.append(draw('rect', { class: request.error ? 'error' : 'rest', x: Math.min(start * scale, 998), y: 2, width: all, height: 12 }));
    svg.append(...segments(request, scale, start));
  }
  return svg;
};
const axis = () => {
  const steps = 5;
  for (let step = 0; step <= steps; step++) by('axis').append(make('span', {}, ms((end * step) / steps)));
};

// --- details, made when somebody opens them --------------------------------------------------------------------------
// A JSON text is laid out token by token: no number loses its digits and no key its double.
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;
const isJson = (text) => {
  try {
    JSON.parse(text);
    return /^\s*[{[]/.test(text);
  } catch (_) {
    return false;
  }
};
const laidOut = (text) => {
  const target = make('pre', { class: 'json' });
  const tokens = text.match(TOKEN) || [];
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  tokens.forEach((token, at) => {
    const next = tokens[at + 1];
    if (token === '{' || token === '[') {
      target.append(token);
      depth++;
      if (next !== '}' && next !== ']') target.append(line());
    } else if (token === '}' || token === ']') {
      depth--;
      const before = tokens[at - 1];
      target.append(before === '{' || before === '[' ? token : line() + token);
    } else if (token === ',') target.append(token + line());
    else if (token === ':') target.append(': ');
    else target.append(make('span', { class: token[0] === '"' ? (next === ':' ? 'key' : 'text') : 'value' }, token));
  });
  return target;
};
const body = (message) => {
  if (message.binary) return make('p', { class: 'dim' }, `binary, ${bytes(message.binary)}`);
  if (!message.body) return null;
  const shown = !message.cut && isJson(message.body) ? laidOut(message.body) : make('pre', {}, message.body);
  return message.cut ? make('div', {}, shown, make('p', { class: 'dim' }, `cut, the whole body has ${bytes(message.cut)}`)) : shown;
};
const headers = (pairs) =>
  make('table', { class: 'headers' }, make('tbody', {}, ...pairs.map(([name, value]) => make('tr', {}, make('th', {}, name), make('td', {}, value)))));
const fold = (title, ...content) => make('details', {}, make('summary', {}, title), ...content);

const timing = (request) => {
  const total = Math.max(request.time, 0.01);
  const svg = draw('svg', { class: 'timing', viewBox: '0 0 1000 16', preserveAspectRatio: 'none' }, ...segments(request, 1000 / total, 0));
  const parts = request.phases.map((length, phase) => [PHASES[phase], length]).filter(([, length]) => length > 0);
  const legend = parts.map(([name, length]) => make('span', { class: name }, `${name} ${ms(length)}`));
  return make('div', { class: 'timings' }, svg, make('p', { class: 'legend' }, ...legend, make('span', {}, `total ${ms(request.time)}`)));
};
const request = (each) => {
  const source = each.source === 'item' ? null : make('small', { class: 'tag' }, each.source === 'script' ? 'sent by a script' : each.source);
  const answer = each.error ? make('b', { class: 'bad' }, each.error) : make('b', {}, `${each.code} ${each.reason}`);
  const box = make('section', { class: 'request' }, make('h3', {}, `${each.method} `, make('span', { class: 'url' }, each.url)));
  box.append(make('p', {}, answer, each.note ? ` (${each.note})` : '', source ? ' ' : '', source || ''));
  if (each.phases) box.append(timing(each));
  for (const [side, title] of [['request', 'Request'], ['response', 'Response']]) {
    const message = each[side];
    if (!message) continue;
    if (message.headers.length) box.append(fold(`${title} headers (${message.headers.length})`, headers(message.headers)));
    const content = body(message);
    if (content) box.append(make('h4', {}, `${title} body`), content);
  }
  return box;
};
const assertion = (each) => {
  const state = each.skipped ? 'skipped' : each.error === undefined ? 'passed' : 'failed';
  const item = make('li', { class: state }, each.name);
  if (state === 'failed') item.append(make('p', { class: 'bad' }, each.error));
  if (each.diff) {
    const kinds = { '-': 'expected', '+': 'actual', ' ': 'same' };
    const lines = each.diff.map(([kind, text]) => make('span', { class: kinds[kind] }, `${kind} ${text}\n`));
    item.append(make('pre', { class: 'diff' }, make('span', { class: 'dim' }, '- expected  + actual\n'), ...lines));
  }
  return item;
};
const detail = (entry) => {
  const box = make('div', { class: 'detail' });
  for (const note of entry.notes || []) box.append(make('p', { class: 'note' }, note));
  for (const error of entry.errors || []) {
    box.append(make('p', { class: 'bad' }, `${error.message} (${error.where}${error.line ? `, line ${error.line}` : ''})`));
  }
  if (entry.assertions) box.append(make('ul', { class: 'assertions' }, ...entry.assertions.map(assertion)));
  for (const each of requestsOf(entry)) box.append(request(each));
  if (entry.console) {
    const lines = entry.console.map(([level, text]) => make('span', { class: level }, `${level}: ${text}\n`));
    box.append(make('h4', {}, 'Console'), make('pre', { class: 'console' }, ...lines));
  }
  if (entry.outline) box.append(make('p', { class: 'dim' }, 'Headers, bodies and console output are left out, to keep this file small.'));
  return box;
};

// --- the list --------------------------------------------------------------------------------------------------------
const several = entries.some((entry) => entry.iteration > 0);
const textOf = (entry) =>
  [
    entry.name,
    ...entry.path,
    ...requestsOf(entry).flatMap((each) => [each.method, each.url, each.error || `${each.code} ${each.reason}`]),
    ...(entry.assertions || []).flatMap((each) => [each.name, each.error || '']),
    ...(entry.errors || []).map((each) => each.message),
    ...(entry.notes || []),
    ...(entry.console || []).map(([, text]) => text),
  ]
    .join('\n')
    .toLowerCase();

const row = (entry) => {
  const last = requestsOf(entry).filter((each) => each.source === 'item').pop();
  const tests = entry.assertions || [];
  const failed = tests.filter((each) => each.error !== undefined).length;
  const title = make('span', { class: 'name' }, make('small', {}, entry.path.map((folder) => `${folder} / `).join('')), entry.name);
  const cells = [
    make('span', { class: `mark ${entry.outcome}`, title: entry.outcome }, ''),
    several ? make('small', { class: 'iteration' }, `${entry.iteration + 1}`) : null,
    title,
    make('span', { class: 'code' }, last ? `${last.method} ${last.error ? '–' : last.code}` : '–'),
    make('span', { class: 'tests' }, tests.length ? `${tests.length - failed}/${tests.length}` : ''),
    make('span', { class: 'time' }, last && last.time !== undefined ? ms(last.time) : ''),
    waterfall(entry),
  ];
  const details = make('details', {}, make('summary', {}, ...cells.filter(Boolean)));
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(detail(entry));
  });
  return make('li', { class: `entry ${entry.outcome}` }, details);
};

const rows = entries.map(row);
const wanted = { outcome: '', iteration: '', text: '' };
const texts = [];
const fits = (entry, at) =>
  (!wanted.outcome || entry.outcome === wanted.outcome) &&
  (wanted.iteration === '' || String(entry.iteration) === wanted.iteration) &&
  (!wanted.text || (texts[at] ||= textOf(entry)).includes(wanted.text));
const filter = () => {
  let count = 0;
  entries.forEach((entry, at) => {
    const shown = fits(entry, at);
    rows[at].hidden = !shown;
    if (shown) count++;
  });
  by('shown').value = count === entries.length ? `${count}` : `${count} of ${entries.length}`;
  for (const button of by('outcomes').children) button.setAttribute('aria-pressed', String(button.dataset.outcome === wanted.outcome));
};

const controls = () => {
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, entries.filter((entry) => entry.outcome === outcome).length]));
  for (const outcome of ['', ...OUTCOMES.filter((name) => counts[name])]) {
    const button = make('button', { type: 'button', 'data-outcome': outcome }, outcome ? `${outcome} ${counts[outcome]}` : 'all');
    button.addEventListener('click', () => {
      wanted.outcome = outcome;
      filter();
    });
    by('outcomes').append(button);
  }
  if (by('iteration')) {
    const numbers = [...new Set(entries.map((entry) => entry.iteration))];
    by('iteration').append(make('option', { value: '' }, 'all iterations'), ...numbers.map((number) => make('option', { value: number }, `iteration ${number + 1}`)));
    by('iteration').addEventListener('change', (event) => {
      wanted.iteration = event.target.value;
      filter();
    });
  }
  by('search').addEventListener('input', (event) => {
    wanted.text = event.target.value.trim().toLowerCase();
    filter();
  });
  by('theme').addEventListener('click', () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === 'dark' || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  });
  addEventListener('beforeprint', () => {
    for (const element of document.querySelectorAll('.entry.failed > details, .entry.broken > details, .entry.refused > details')) element.open = true;
  });
};

// A failure of the summary leads to its request: entries say how many failures there were up to their end.
const reveal = (at) => {
  Object.assign(wanted, { outcome: '', iteration: '', text: '' });
  by('search').value = '';
  if (by('iteration')) by('iteration').value = '';
  filter();
  const details = rows[at].firstChild;
  const show = () => details.scrollIntoView();
  if (details.open) show();
  else details.addEventListener('toggle', show, { once: true }); // when its content is there
  details.open = true;
};
const links = () => {
  document.querySelectorAll('.failures li > b').forEach((name, number) => {
    const at = entries.findIndex((entry) => entry.failures > number);
    if (at < 0) return;
    const link = make('a', { href: '#list' }, ...name.childNodes);
    link.addEventListener('click', (event) => {
      event.preventDefault();
      reveal(at);
    });
    name.append(link);
  });
};

by('list').append(...rows);
axis();
controls();
links();
filter();
})();
