// The side of the host inside V8: the bridge that Postman's sandbox talks to, its timers, and the outbox to Python.
// Everything lives in closures of strict functions, and what is needed later is taken before a script can change it.
(host) => {
  'use strict';
  const global = globalThis;
  const { stringify, parse } = JSON;
  const { defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames, getPrototypeOf, hasOwn, is, keys } = Object;
  const { now } = Date;
  const { apply, deleteProperty } = Reflect;
  const native = { Error, Promise, String, then: Promise.prototype.then, charCodeAt: String.prototype.charCodeAt };
  const { startsWith, includes, slice } = String.prototype;
  const text = (method, value, ...args) => apply(method, value, args);
  Object.assign(host, { native, defineProperty, stringify, apply });

  // --- outbox: JSON texts behind one another in memory that Python reads without entering V8 -----------------------
  const memory = new SharedArrayBuffer(host.outboxBytes);
  const head = new Int32Array(memory, 0, 6); // characters, result is out, questions, overflowed, calls, idle
  const clock = new Float64Array(memory, 24, 1); // when the next timer is due, ms since 1970
  const body = new Uint16Array(memory, 32);
  const room = body.length;
  let overflow = '';

  const write = (line) => {
    const start = head[0];
    if (overflow !== '' || start + line.length + 1 > room) {
      overflow += line + ',';
      head[3] = 1;
      return;
    }
    for (let i = 0; i < line.length; i++) body[start + i] = apply(native.charCodeAt, line, [i]);
    body[start + line.length] = 44;
    head[0] = start + line.length + 1;
  };
  // Parts are texts, numbers, booleans or null: a `toJSON` that a script put on Object.prototype does not touch them.
  const say = (...parts) => {
    let line = '[';
    for (let i = 0; i < parts.length; i++) line += (i ? ',' : '') + (parts[i] === undefined ? 'null' : stringify(parts[i]));
    write(`${line}]`);
  };
  host.asking = (count) => {
    head[2] = count;
  };

  // A value that contains itself, or that throws when it is read, must not hide the assertion it belongs to.
  const cutter = () => {
    const above = [];
    return function (key, value) {
      if (typeof value === 'bigint') return `${value}n`;
      if (typeof value !== 'object' || value === null) return value;
      while (above.length && above[above.length - 1] !== this) above.length--;
      for (let i = 0; i < above.length; i++) if (above[i] === value) return '[Circular]';
      above[above.length] = value;
      return value;
    };
  };
  const portable = (value) => {
    try {
      return stringify(value, cutter());
    } catch (error) {
      return stringify(`[${native.String(error)}]`);
    }
  };

  // --- timers: fired one at a time, V8 empties its microtasks when Python gets control back ------------------------
  let running = null; // the execution under way
  const timers = new Map();
  const { get: find, set: put, delete: drop, values, clear } = Map.prototype;
  let lastTimer = 0;

  const nextTimer = () => {
    let first = null;
    for (const timer of apply(values, timers, [])) if (first === null || timer.at < first.at) first = timer;
    clock[0] = first === null ? -1 : first.at;
    return first;
  };
  const start = (run, delay, every) => {
    const wait = delay >= 1 && delay <= 2147483647 ? +delay : every ? 1 : 0;
    if (running !== null && running.ending) {
      running.last = run;
      return 0;
    }
    const timer = { id: ++lastTimer, run, at: now() + wait, every: every ? wait : 0 };
    apply(put, timers, [timer.id, timer]);
    if (clock[0] < 0 || timer.at < clock[0]) clock[0] = timer.at;
    return timer.id;
  };
  // The sandbox's first timer of an execution is its timeout. When it clears that, all is over but for one last callback,
  // which hands out the result and need not wait for a turn of its own.
  const stop = (id) => {
    if (running !== null && id === running.timeout) running.ending = !running.awaits;
    if (apply(drop, timers, [id])) nextTimer();
  };
  // Fires a timer that is due; when there is none, or the host has a question to answer first, there is nothing to do.
  const fire = () => {
    const timer = nextTimer();
    if (timer === null || timer.at > now() || head[2] > 0) {
      head[5] = 1;
      return;
    }
    head[5] = 0;
    if (timer.every) timer.at = now() + timer.every;
    else apply(drop, timers, [timer.id]);
    nextTimer();
    timer.run();
  };
  host.later = (run) => start(run, 0, false);
  global.setTimeout = (run, delay) => start(run, delay, false);
  global.setInterval = (run, delay) => start(run, delay, true);
  global.setImmediate = (run) => start(run, 0, false);
  global.clearTimeout = global.clearInterval = global.clearImmediate = stop;

  // --- bridge ------------------------------------------------------------------------------------------------------
  const listeners = { __proto__: null };
  const emit = (name, ...args) => {
    const heard = listeners[name] || [];
    for (let i = 0; i < heard.length; i++) apply(heard[i], bridge, args);
  };
  const bridge = {
    on(name, listener) {
      listeners[name] = [...(listeners[name] || []), listener];
    },
    once(name, listener) {
      const first = (...args) => {
        bridge.off(name, first);
        apply(listener, bridge, args);
      };
      bridge.on(name, first);
    },
    off(name, listener) {
      const left = listener ? (listeners[name] || []).filter((each) => each !== listener) : [];
      if (left.length) listeners[name] = left;
      else delete listeners[name];
    },
    listeners: (name) => listeners[name] || [],
    emit,
    dispatch: (name, ...args) => receive(name, args),
  };
  defineProperty(global, 'bridge', { value: bridge, configurable: true, writable: true });

  // --- what the sandbox says ---------------------------------------------------------------------------------------
  host.fail = (error) => emit('uncaughtException', error);

  // What was thrown, as [name, message, stack].
  const fault = (error) => {
    if (typeof error !== 'object' || error === null) return ['Error', native.String(error), ''];
    try {
      const plain = error.name === undefined && error.message === undefined;
      return [
        native.String(error.name || 'Error'),
        plain ? native.String(stringify(error)) : native.String(error.message),
        native.String(error.stack || ''),
      ];
    } catch (_) {
      return ['Error', 'an error that cannot be read', ''];
    }
  };

  const print = (level, encoded) => {
    if (running === null || running.full) return;
    if (host.mute && level === 'warn' && isDeprecation(encoded)) return;
    running.printed += encoded.length;
    if (running.printed > host.consoleLimit) {
      running.full = true;
      const message = `console output of this script is more than ${host.consoleLimit} characters; the rest is left out`;
      say('error', 'Error', message, '');
      return;
    }
    say('console', level, encoded);
  };
  const isDeprecation = (encoded) =>
    text(startsWith, encoded, '[["1"],"Using \\"') && text(includes, encoded, '\\" is deprecated');

  const listed = (...values) => {
    let text = '';
    for (let i = 0; i < values.length; i++) text += (i ? ',' : '') + (portable(values[i]) || 'null');
    return text;
  };
  const call = (kind, eventId, rest) => {
    head[4]++;
    write(`["${kind}",${stringify(eventId)},${rest}]`);
  };
  const assertions = (list) => {
    for (let i = 0; i < list.length; i++) {
      const { name, index, skipped, passed, error } = list[i];
      say('assertion', native.String(name), index, passed, skipped, ...(error ? [...fault(error), ...difference(error)] : []));
    }
  };
  // What chai compared, as JSON, where it says that the two are worth a look side by side.
  const difference = (error) => {
    try {
      if (error.showDiff !== true) return [];
      const sides = [portable(error.actual), portable(error.expected)];
      return sides[0].length + sides[1].length > host.differenceLimit ? [] : sides;
    } catch (_) {
      return [];
    }
  };

  const receive = (name, args) => {
    if (name === 'execution.console') return print(args[1], args[2]);
    if (running === null) return handshake(name, args);
    for (const kind in kinds) {
      if (text(startsWith, name, kind) && text(slice, name, kind.length) === running.id) return kinds[kind](args);
    }
    return undefined;
  };
  const kinds = {
    __proto__: null,
    'execution.assertion.': (args) => assertions(args[1]),
    'execution.error.': (args) => say('error', ...fault(args[1])),
    'execution.skipRequest.': () => say('skip'),
    'execution.request.': (args) => call('request', args[2], portable(args[3])),
    'execution.cookies.': (args) => call('cookies', args[0], `${stringify(args[2])},${portable(args[3])}`),
    'execution.vault.': (args) => call('vault', args[0], listed(args[1], args[2], args[3])),
    'execution.run_collection_request.': (args) => call('run', args[2], listed(args[3], args[4], args[5])),
    'execution.result.': (args) => end(args[0], args[1]),
  };
  const handshake = (name, args) => {
    if (name === 'initialize') {
      for (const left of ['setTimeout', 'clearTimeout', '__timer_manager', 'self']) global[left] = undefined;
      remember();
      probe();
    }
    if (name === 'error') say('error', ...fault(args[0]));
  };

  // --- the result: only what changed -------------------------------------------------------------------------------
  const mutations = (scope) => {
    const { stream, compacted } = scope.mutations;
    const names = keys(compacted);
    if (!names.length && !stream.length) return undefined;
    return [...names.map((name) => compacted[name]), ...stream].map((change) => (change.length > 1 ? change.slice(0, 2) : [change[0]]));
  };
  const variables = (scope) => (mutations(scope) ? scope.toJSON().values : undefined);

  // The request as the sandbox understands the one that was sent in, so that only what a script did makes a difference.
  const originals = new Map();
  const original = (Request, sent) => {
    let known = apply(find, originals, [sent]);
    if (known === undefined) {
      if (originals.size > 500) apply(clear, originals, []);
      known = stringify(new Request(parse(sent)));
      apply(put, originals, [sent, known]);
    }
    return known;
  };
  const changedRequest = (request) => {
    if (!request || running.request === null) return 'null';
    const left = portable(request);
    return left === original(request.constructor, running.request) ? 'null' : left;
  };

  // What the sandbox and this host cannot do without: a script that replaced it leaves an engine not fit for the next one.
  const core = [
    [Array.prototype, ['concat', 'filter', 'forEach', 'indexOf', 'map', 'push', 'slice', 'splice']],
    [Function.prototype, ['apply', 'bind', 'call']],
    [Object, ['assign', 'create', 'defineProperty', 'getOwnPropertyNames', 'keys']],
    [JSON, ['parse', 'stringify']],
    [Map.prototype, ['get', 'set']],
    [Object.prototype, ['hasOwnProperty', 'toJSON', 'toString']],
    [String.prototype, ['indexOf', 'replace', 'slice', 'split']],
  ];
  let whole = [];
  const remember = () => {
    for (const [owner, names] of core) for (const name of names) whole[whole.length] = [owner, name, owner[name]];
    whole[whole.length] = [Promise.prototype, 'then', Promise.prototype.then];
  };
  const isWorn = () => {
    for (let i = 0; i < whole.length; i++) if (whole[i][0][whole[i][1]] !== whole[i][2]) return true;
    return false;
  };

  // For scripts of several runs: global variables are as they were before the script. False where that cannot be done.
  let globals = null;
  const valueOf = (name) => (getOwnPropertyDescriptor(global, name) || {}).value;
  const keepGlobals = () => {
    globals = { __proto__: null };
    const names = getOwnPropertyNames(global);
    for (let i = 0; i < names.length; i++) globals[names[i]] = valueOf(names[i]);
  };
  const tidy = () => {
    const names = getOwnPropertyNames(global);
    for (let i = 0; i < names.length; i++) if (!(names[i] in globals) && !deleteProperty(global, names[i])) return false;
    for (const name in globals) if (!is(valueOf(name), globals[name])) global[name] = globals[name];
    return true;
  };

  // Each part by itself: what cannot be written of one takes no other with it.
  const outcome = ({ return: { nextRequest, visualizer }, ...scopes }) => [
    mutations(scopes.environment),
    mutations(scopes.globals),
    mutations(scopes.collectionVariables),
    variables(scopes._variables),
    nextRequest === undefined ? null : [nextRequest],
    visualizer,
  ];
  // A script that waits at its top level is over for the sandbox as soon as nothing is pending, and only in the turn after
  // that does it tell what the wait ended with, if that was an error.
  const end = (error, execution) => {
    if (!running.awaits) return finish(error, execution);
    const script = running;
    script.awaits = false;
    host.later(() => {
      if (running === script) finish(error, execution);
    });
    return undefined;
  };
  const finish = (error, execution) => {
    let parts = '';
    try {
      const found = outcome(execution);
      for (let i = 0; i < found.length; i++) parts += `,${found[i] === undefined ? 'null' : portable(found[i])}`;
      parts += `,${changedRequest(execution.request)}`;
    } catch (broken) {
      error = error || broken;
    }
    if (error) say('error', ...fault(error));
    const worn = (globals !== null && !tidy()) || isWorn();
    write(`["result",${worn}${parts}]`);
    running = null;
    head[1] = 1;
  };

  // --- packages: V8 is told what to call them in a stack, and what goes wrong while one is loaded is told with its own -----
  host.load = (run) => {
    try {
      run();
    } catch (error) {
      const [, message, stack] = fault(error);
      say('package', message, stack);
      throw error;
    }
  };
  const label = (packages) => {
    for (const name of keys(packages)) {
      const found = packages[name];
      if (typeof found.data !== 'string') continue;
      const { code } = host.reporting(found.data);
      found.data = `${host.escapeName}.load(()=>{\n${code}\n})\n//# sourceURL=package:${found.number}`;
    }
  };

  // --- turns -------------------------------------------------------------------------------------------------------
  const execute = (id, event, context, options) => {
    apply(clear, timers, []);
    clock[0] = -1;
    head[1] = 0;
    if (host.tidy && globals === null && id !== 'probe') keepGlobals();
    const { code, shifts } = host.reporting(event.script.exec);
    event.script.exec = [code]; // a text would be taken apart line by line
    if (shifts.length) write(stringify(['shifts', shifts]));
    label(options.resolvedPackages || {});
    const request = context.request === undefined ? null : stringify(context.request);
    const awaits = apply(includes, code, ['await']);
    running = { id, request, printed: 0, full: false, timeout: lastTimer + 1, ending: false, last: null, awaits };
    host.around(() => emit('execute', id, event, context, options));
  };
  // A script that throws in its first column shows where Postman's wrapping puts a script's text; it warms V8 up, too.
  const probe = () => {
    const event = { listen: 'test', script: { exec: 'throw new Error()' } };
    const options = { timeout: 1000, cursor: {}, legacy: {}, disableLegacyAPIs: true };
    execute('probe', event, { request: { url: 'http://localhost' }, response: { code: 200 } }, options);
  };
  const hear = (message) => {
    const [name, ...args] = parse(message);
    if (name === 'execute') execute(...args);
    else if (name === 'answer') host.answer(...args);
    else emit(name, ...args);
  };
  const guarded = (work) => {
    try {
      work();
      if (running !== null && running.last !== null) running.last();
    } catch (error) {
      if (running === null) say('error', ...fault(error));
      else emit('uncaughtException', error);
    }
  };
  return {
    memory,
    set message(value) {
      guarded(() => hear(value));
    },
    set turn(_) {
      guarded(() => {
        host.settle();
        fire();
      });
    },
    get questions() {
      return host.questions();
    },
    get rest() {
      const left = overflow;
      overflow = '';
      head[3] = 0;
      return left;
    },
  };
}
