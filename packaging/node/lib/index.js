'use strict';
/* The store as classes, over the addon (src/): strings become Buffers, options become numbers. */

const native = require(process.env.STAVE_NODE_ADDON || '../build/Release/stave.node');

const SYNCS = { always: 1, interval: 2, os: 3 };
const POLICIES = ['spill', 'noeviction', 'allkeys-lru', 'allkeys-lfu', 'allkeys-random', 'volatile-lru', 'volatile-lfu',
  'volatile-random', 'volatile-ttl'];
const PACKINGS = ['none', 'lz4', 'zstd'];
const FORMATS = { binary: 1, binary1: 2, json: 3, ndjson: 4 };
const NUMBERS = ['syncIntervalMs', 'segmentBytes', 'databases', 'maxMemoryBytes', 'packingLevel', 'historyMs', 'historyBytes'];
const EMPTY = Buffer.alloc(0);

function bytes(value) {
  if (typeof value === 'string') return Buffer.from(value);
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError('a key or a value is a string, a Buffer or a Uint8Array');
}

/* A word of a command. */
function word(value) {
  return typeof value === 'number' || typeof value === 'bigint' ? Buffer.from(String(value)) : bytes(value);
}

function choice(table, value, what, otherwise) {
  if (value === undefined) return otherwise;
  const found = Array.isArray(table) ? table.indexOf(value) : Object.hasOwn(table, value) ? table[value] : -1;
  if (found < 0) throw new RangeError(`${what} cannot be ${JSON.stringify(value)}; there are: ${(Array.isArray(table) ? table : Object.keys(table)).join(', ')}`);
  return found;
}

/* C would take something else for what is none. */
function whole(value, what, least = 0) {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (!Number.isSafeInteger(number) || number < least) throw new RangeError(`${what} cannot be ${value}: it is a whole number from ${least} on`);
  return number;
}

/* A misspelt option would be taken for one that was not given. */
const OPTIONS = ['ttl', 'sliding', 'keepTtl', 'sync'];
function known(options) {
  for (const name of Object.keys(options))
    if (!OPTIONS.includes(name)) throw new RangeError(`there is no option ${name}; there are: ${OPTIONS.join(', ')}`);
  return options;
}

const syncOf = (options) => choice(SYNCS, known(options).sync, 'sync', 0);

/* Kind and milliseconds of an expiry. */
function expiryOf(options) {
  const { ttl, sliding = false, keepTtl = false } = known(options);
  if (keepTtl) return [1, 0];
  if (ttl === undefined || ttl === null) return [0, 0];
  return [sliding ? 4 : 2, whole(Math.round(ttl), 'ttl', Number.MIN_SAFE_INTEGER)];
}

function pointOf({ lsn, time }) {
  if ((lsn === undefined) === (time === undefined)) throw new TypeError('either lsn or time says when');
  return lsn !== undefined ? [1, whole(lsn, 'lsn')] : [2, whole(Number(time), 'time')];
}

function settingsOf(options) {
  const settings = [];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (name === 'sync') settings.push([name, choice(SYNCS, value, name)]);
    else if (name === 'memoryPolicy') settings.push([name, choice(POLICIES, value, name)]);
    else if (name === 'packing') settings.push([name, choice(PACKINGS, value, name)]);
    else if (name === 'createIfMissing') settings.push([name, value ? 1 : 0]);
    else if (NUMBERS.includes(name)) settings.push([name, whole(value, name)]);
    else throw new RangeError(`a store has no setting ${name}`);
  }
  return settings;
}

/* Maps of commands come marked; keys of a Map are strings. */
function answer(value) {
  if (Array.isArray(value)) return value.map(answer);
  if (value === null || typeof value !== 'object' || !Array.isArray(value.pairs) || Buffer.isBuffer(value)) return value;
  const map = new Map();
  for (let i = 0; i + 1 < value.pairs.length; i += 2) {
    const key = value.pairs[i];
    map.set(Buffer.isBuffer(key) ? key.toString() : answer(key), answer(value.pairs[i + 1]));
  }
  return map;
}

/* What a transaction's function is given. */
class Txn {
  #here;
  constructor(here) { this.#here = here; }
  get(key) { return native.txnGet(this.#here, bytes(key)); }
  set(key, value, options = {}) {
    native.txnSet(this.#here, bytes(key), bytes(value));
    if (options.ttl !== undefined) this.expire(key, options.ttl, options);
  }
  delete(key) { return native.txnDelete(this.#here, bytes(key)); }
  increment(key, by = 1) { return native.txnIncrement(this.#here, bytes(key), BigInt(by)); }
  append(key, suffix) { return native.txnAppend(this.#here, bytes(key), bytes(suffix)); }
  expire(key, ttl, options = {}) { return native.txnExpire(this.#here, bytes(key), ...expiryOf({ ...options, ttl })); }
  hashSet(key, field, value) { return native.txnHashSet(this.#here, bytes(key), bytes(field), bytes(value)); }
  hashGet(key, field) { return native.txnHashGet(this.#here, bytes(key), bytes(field)); }
  listPush(key, element, { front = false } = {}) { return native.txnListPush(this.#here, bytes(key), bytes(element), front ? 0 : 1); }
  listPop(key, { front = false } = {}) { return native.txnListPop(this.#here, bytes(key), front ? 0 : 1); }
  setAdd(key, member) { return native.txnSetAdd(this.#here, bytes(key), bytes(member)); }
  sortedSetAdd(key, member, score) { return native.txnSortedSetAdd(this.#here, bytes(key), bytes(member), Number(score)); }
}

/* Writes that happen together, or not at all. */
class Batch {
  #store; #database; #steps = []; #sync;
  constructor(store, database, sync) { this.#store = store; this.#database = database; this.#sync = sync; }
  #add(name, key, { first = EMPTY, second = EMPTY, expiry = [0, 0], by = 0n, score = 0 } = {}) {
    this.#steps.push([name, bytes(key), bytes(first), bytes(second), ...expiry, by, score]);
    return this;
  }
  set(key, value, options = {}) { return this.#add('set', key, { first: value, expiry: expiryOf(options) }); }
  delete(key) { return this.#add('delete', key); }
  increment(key, by = 1) { return this.#add('increment', key, { by: BigInt(by) }); }
  append(key, suffix) { return this.#add('append', key, { first: suffix }); }
  expire(key, ttl, options = {}) { return this.#add('expire', key, { expiry: expiryOf({ ...options, ttl }) }); }
  hashSet(key, field, value) { return this.#add('hashSet', key, { first: field, second: value }); }
  hashRemove(key, field) { return this.#add('hashRemove', key, { first: field }); }
  listPush(key, element, { front = false } = {}) { return this.#add(front ? 'listPushFront' : 'listPush', key, { first: element }); }
  setAdd(key, member) { return this.#add('setAdd', key, { first: member }); }
  setRemove(key, member) { return this.#add('setRemove', key, { first: member }); }
  sortedSetAdd(key, member, score) { return this.#add('sortedSetAdd', key, { first: member, score: Number(score) }); }
  sortedSetRemove(key, member) { return this.#add('sortedSetRemove', key, { first: member }); }
  get size() { return this.#steps.length; }
  /* On disk when the promise is kept; the batch stays as it is. */
  async write() { await native.write(this.#store, this.#database, this.#steps, this.#sync); }
}

class Store {
  #store; #database; #session;
  /* session: which database the commands of this store, and of its other views, are in. */
  constructor(store, database, session) { this.#store = store; this.#database = database; this.#session = session; }

  close() { native.close(this.#store); }
  database(number) {
    if (whole(number, 'a database') > 254) throw new RangeError(`there is no database ${number}`);
    return new Store(this.#store, number, this.#session);
  }

  get(key) { const found = this.getVersioned(key); return found === null ? null : found.value; }
  getVersioned(key) {
    const found = native.get(this.#store, this.#database, bytes(key));
    return found === null ? null : { value: found[0], version: found[1], expiresAt: found[2] === 0 ? null : found[2] };
  }
  getMany(keys) { return native.getMany(this.#store, this.#database, Array.from(keys, bytes)); }
  has(key) { return this.execute('EXISTS', key) === 1; }
  set(key, value, options = {}) {
    return native.set(this.#store, this.#database, bytes(key), bytes(value), ...expiryOf(options), syncOf(options));
  }
  setIf(key, value, condition, options = {}) {
    const kinds = ['absent', 'present', 'version', 'value'].filter((name) => condition[name] !== undefined && condition[name] !== false);
    if (kinds.length !== 1) throw new TypeError('exactly one of absent, present, version and value');
    const kind = ['absent', 'present', 'version', 'value'].indexOf(kinds[0]);
    return native.setIf(this.#store, this.#database, bytes(key), bytes(value), ...expiryOf(options), syncOf(options), kind,
      kind === 2 ? whole(condition.version, 'version') : 0, kind === 3 ? bytes(condition.value) : EMPTY);
  }
  delete(key, options = {}) { return native.del(this.#store, this.#database, bytes(key), syncOf(options)); }
  increment(key, by = 1, options = {}) { return native.increment(this.#store, this.#database, bytes(key), BigInt(by), syncOf(options)); }
  append(key, suffix) { return this.execute('APPEND', key, suffix); }
  expire(key, ttl, options = {}) {
    return native.expire(this.#store, this.#database, bytes(key), ...expiryOf({ ...options, ttl }), syncOf(options));
  }
  get size() { return native.size(this.#store, this.#database); }
  clear() { this.execute('FLUSHDB'); }

  /* Holds nothing of the store between two keys. */
  * entries(prefix = EMPTY) {
    const cursor = native.cursor(this.#store, this.#database, bytes(prefix));
    for (let found = native.next(this.#store, cursor); found !== null; found = native.next(this.#store, cursor)) yield found;
  }
  * keys(prefix = EMPTY) { for (const [key] of this.entries(prefix)) yield key; }
  [Symbol.iterator]() { return this.entries(); }

  batch(options = {}) { return new Batch(this.#store, this.#database, syncOf(options)); }
  transact(keys, work, options = {}) {
    if (typeof work !== 'function') throw new TypeError('there is no function to run in the transaction');
    return native.transact(this.#store, this.#database, Array.from(keys, bytes), (here) => work(new Txn(here)), syncOf(options));
  }

  /* Buffers, numbers, strings (statuses), arrays, Maps, null. What a command answers as an error is thrown. */
  execute(...words) {
    if (this.#session.database !== this.#database) { // not always: MULTI would queue it
      const selected = native.execute(this.#store, [Buffer.from('SELECT'), Buffer.from(String(this.#database))]);
      if (selected instanceof Error) throw selected;
      this.#session.database = this.#database;
    }
    if (['SELECT', 'RESET'].includes(String(words[0]).toUpperCase())) this.#session.database = -1;
    const found = answer(native.execute(this.#store, words.map(word)));
    if (found instanceof Error) throw found;
    return found;
  }

  history(key, count = 100) { return native.history(this.#store, this.#database, bytes(key), whole(count, 'count')); }
  getAt(key, when) { return native.getAt(this.#store, this.#database, bytes(key), ...pointOf(when)); }
  revert(key, when, options = {}) { return native.revert(this.#store, this.#database, bytes(key), ...pointOf(when), syncOf(options)); }

  async sync() { await native.sync(this.#store); }
  async snapshot(path, { format } = {}) { return native.snapshot(this.#store, bytes(path), choice(FORMATS, format, 'format', 0)); }
  async load(path) { return native.load(this.#store, bytes(path)); }
  async backup(directory) { return native.backup(this.#store, bytes(directory)); }
}

function open(directory, options = {}) {
  return new Store(native.open(bytes(directory), settingsOf(options)), 0, { database: 0 });
}

async function restore(source, target, options = {}) {
  const point = options.lsn === undefined && options.time === undefined ? [0, 0] : pointOf(options);
  await native.restore(bytes(source), bytes(target), bytes(options.log === undefined ? '' : options.log), ...point);
}

module.exports = { open, restore, Store, Batch, Txn };
