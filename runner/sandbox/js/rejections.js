// Rejections that nobody handles. V8 tells embedders of them, mini-racer does not pass that on, so it is worked out here:
// promises made by script are tracked, `then` and `await` (which reads `constructor`) show who handles them, and async
// functions, whose promises cannot be seen, report what escapes them (see asyncs.js).
(host) => {
  'use strict';
  const { defineProperty, apply } = host;
  const Native = host.native.Promise;
  const nativeThen = host.native.then;
  const source = Function.prototype.toString;
  const { includes } = String.prototype;
  const handled = new WeakSet();
  const { add, has } = WeakSet.prototype;
  let watching = true; // false while this file itself uses a promise
  let combining = false; // inside Promise.all, `finally` and their like, which handle what they are given
  let loose = []; // [promise, reason] rejected without a handler so far
  let escaped = []; // what left an async function by a throw
  let reported = [];

  const quietly = (promise, ...handlers) => {
    const before = watching;
    watching = false;
    try {
      return apply(nativeThen, promise, handlers);
    } finally {
      watching = before;
    }
  };
  const track = (promise) => {
    quietly(promise, undefined, (reason) => {
      if (!apply(has, handled, [promise])) loose[loose.length] = [promise, reason];
    });
    return promise;
  };
  const handle = (promise) => {
    if (apply(has, handled, [promise])) return;
    apply(add, handled, [promise]);
    quietly(promise, undefined, (reason) => {
      for (let i = 0; i < escaped.length; i++) {
        if (escaped[i] !== reason) continue;
        escaped[i] = escaped[escaped.length - 1];
        escaped.length--;
        return;
      }
    });
  };
  // `resolve(promise)` and `return promise` pass a rejection on, they do not handle it: V8 then calls `then` with its
  // own two nameless functions.
  const passesOn = (handler) =>
    typeof handler === 'function' && handler.name === '' && apply(includes, apply(source, handler, []), ['[native code]']);

  const then = {
    then(onFulfilled, onRejected) {
      if (!watching) return apply(nativeThen, this, [onFulfilled, onRejected]);
      const forwarding = passesOn(onRejected) && !combining;
      if (forwarding) apply(add, handled, [this]);
      else handle(this);
      const next = quietly(this, onFulfilled, onRejected);
      return forwarding ? next : track(next);
    },
  }.then;
  defineProperty(Native.prototype, 'then', { value: then, writable: true, configurable: true });
  const nativeFinally = Native.prototype.finally;
  const finish = {
    finally(callback) {
      combining = true;
      try {
        return apply(nativeFinally, this, [callback]);
      } finally {
        combining = false;
      }
    },
  }.finally;
  defineProperty(Native.prototype, 'finally', { value: finish, writable: true, configurable: true });
  defineProperty(Native.prototype, 'constructor', {
    configurable: true,
    get() {
      if (watching && this instanceof Native) handle(this);
      return Native;
    },
    set(value) {
      defineProperty(this, 'constructor', { value, writable: true, configurable: true });
    },
  });

  // `Promise` as scripts see it, with the same prototype and every method of the native one.
  function Promise(...args) {
    if (new.target === undefined) throw new TypeError("Promise constructor cannot be invoked without 'new'");
    return track(Reflect.construct(Native, args, new.target === Promise ? Native : new.target));
  }
  const combinators = { __proto__: null, all: true, allSettled: true, any: true, race: true };
  const wrapStatic = (name, method) =>
    ({
      [name](...args) {
        const before = combining;
        combining = combinators[name] === true;
        try {
          const made = apply(method, this === Promise ? Native : this, args);
          return made instanceof Native && name !== 'resolve' ? track(made) : made;
        } finally {
          combining = before;
        }
      },
    })[name];
  for (const name of Object.getOwnPropertyNames(Native)) {
    const { value } = Object.getOwnPropertyDescriptor(Native, name);
    if (typeof value !== 'function') continue;
    defineProperty(Promise, name, { value: wrapStatic(name, value), writable: true, configurable: true });
  }
  defineProperty(Promise, Symbol.species, { get() { return this; }, configurable: true });
  defineProperty(Promise, 'prototype', { value: Native.prototype, writable: false });
  defineProperty(Promise, 'length', { value: 1 });
  defineProperty(globalThis, 'Promise', { value: Promise, writable: true, configurable: true });

  const report = (reason) => {
    for (let i = 0; i < reported.length; i++) if (reported[i] === reason) return;
    reported[reported.length] = reason;
    host.fail(reason);
  };
  host.escape = (reason) => {
    escaped[escaped.length] = reason;
    return reason;
  };
  host.escape.load = host.load; // reached by the same name
  // After a turn, when V8 has emptied its microtasks: what is still unhandled now is a script error.
  host.settle = () => {
    if (!loose.length && !escaped.length) return;
    const left = loose;
    const gone = escaped;
    loose = [];
    escaped = [];
    for (let i = 0; i < left.length; i++) if (!apply(has, handled, [left[i][0]])) report(left[i][1]);
    for (let i = 0; i < gone.length; i++) report(gone[i]);
  };

  // pm.sendRequest calls its callback a second time when the first call throws, and drops what the second one throws.
  // The sandbox defines `pm` property by property while it starts a script: that is where the callback is wrapped.
  const watched = (callback) =>
    function (...args) {
      try {
        return apply(callback, this, args);
      } catch (error) {
        if (args[0] && reported.length && reported[reported.length - 1] === args[0]) return undefined;
        report(error);
        throw error;
      }
    };
  const wrapSendRequest = (sendRequest) =>
    function (request, callback) {
      return apply(sendRequest, this, [request, typeof callback === 'function' ? watched(callback) : callback]);
    };
  host.around = (work) => {
    reported = [];
    loose = [];
    escaped = [];
    Object.defineProperty = (object, name, config) => {
      if (name !== 'sendRequest') return defineProperty(object, name, config);
      Object.defineProperty = defineProperty;
      return defineProperty(object, name, { ...config, value: wrapSendRequest(config.value) });
    };
    try {
      work();
    } finally {
      Object.defineProperty = defineProperty;
    }
  };
}
