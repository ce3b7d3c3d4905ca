'use strict';
// The package for Node.js as its users meet it: `require('stave')`, found through NODE_PATH.
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, beforeEach, afterEach } = require('node:test');
const stave = require('stave');

let place, store;
const at = (name) => path.join(place, name);
const open = () => stave.open(at('data'), { segmentBytes: 1 << 20, historyBytes: 1 << 20, packing: 'zstd' });
const fails = (code, work) => assert.throws(work, (error) => error instanceof Error && error.code === code && error.message.length > 3);

beforeEach(() => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), 'stave-node-'));
  store = open();
});
afterEach(() => {
  store.close();
  fs.rmSync(place, { recursive: true });
});

test('any bytes are kept over a restart', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  store.set('user:1', 'Alice');
  store.set(Buffer.from([0, 255]), all);
  store.set('empty', new Uint8Array(0));
  store.close();
  store = open();
  assert.equal(store.get('user:1').toString(), 'Alice');
  assert.deepEqual(store.get(new Uint8Array([0, 255])), all);
  assert.deepEqual(store.get('empty'), Buffer.alloc(0));
  assert.equal(store.get('none'), null);
  assert.equal(store.size, 3);
  assert.ok(store.has('empty') && !store.has('none'));
  assert.deepEqual(store.getMany(['none', 'user:1']), [null, Buffer.from('Alice')]);
  assert.ok(store.delete('user:1'));
  assert.ok(!store.delete('user:1'));
  store.clear();
  assert.equal(store.size, 0);
});

test('values change, expire and have versions', () => {
  const first = store.set('a', '1');
  assert.equal(store.setIf('a', '2', { absent: true }), false);
  assert.equal(store.setIf('a', '2', { version: first + 1 }), false);
  assert.equal(store.setIf('a', '2', { version: first }), true);
  assert.equal(store.setIf('a', '3', { value: '2' }), true);
  assert.equal(store.setIf('a', '4', { present: true }), true);
  assert.throws(() => store.setIf('a', '5', {}), TypeError);
  for (const misspelt of [{ tll: 5 }, { Sync: 'os' }, { database: 1 }]) assert.throws(() => store.set('a', '5', misspelt), RangeError);
  assert.ok(store.getVersioned('a').version > first);
  assert.equal(store.getVersioned('none'), null);
  assert.equal(store.increment('a', 38), 42);
  assert.equal(store.increment('big', (1n << 62n)), 1n << 62n);
  assert.equal(store.append('a', '!'), 3);
  store.set('t', 'x', { ttl: 60_000 });
  assert.ok(Math.abs(store.getVersioned('t').expiresAt - Date.now() - 60_000) < 30_000);
  store.set('t', 'y', { keepTtl: true });
  assert.ok(store.getVersioned('t').expiresAt);
  assert.ok(store.expire('t', null));
  assert.equal(store.getVersioned('t').expiresAt, null);
  assert.ok(store.expire('t', 60_000, { sliding: true }));
  assert.ok(!store.expire('none', 1));
  store.set('s', 'x', { sync: 'os' });
});

test('failures are errors with a code', () => {
  store.set('word', 'x');
  store.execute('RPUSH', 'list', 'e');
  fails('STAVE_NOT_A_NUMBER', () => store.increment('word'));
  fails('STAVE_WRONG_TYPE', () => store.get('list'));
  fails('STAVE_BUSY', open);
  fails('STAVE_INVALID_ARGUMENT', () => store.database(99).get('a'));
  for (const wrong of [() => store.database(2 ** 32), () => store.database(-1), () => store.database(1.5), () => store.history('a', -1),
    () => store.getAt('a', { lsn: NaN }), () => store.getAt('a', { time: Infinity }), () => store.set('a', 'b', { ttl: 1e300 }),
    () => store.setIf('a', 'b', { version: -1 }), () => store.increment('a', 1.5), () => stave.open(':memory:', { segmentBytes: -1 })])
    assert.throws(wrong, RangeError);
  fails('STAVE_INVALID_ARGUMENT', () => store.set('a', 'b', { ttl: -5 }));
  fails('STAVE_TOO_LARGE', () => store.set('k'.repeat(1 << 17), 'v'));
  fails('STAVE_NOT_FOUND', () => stave.open(at('none'), { createIfMissing: false }));
  fails('STAVE_REPLY', () => store.execute('INCR', 'word'));
  for (const wrong of [{ sync: 'never' }, { packing: 'gzip' }, { memoryPolicy: 'x' }, { no: 1 }, { databases: 'x' }])
    assert.throws(() => stave.open(':memory:', wrong), RangeError);
  for (const wrong of [7, null, undefined, {}]) assert.throws(() => store.set('a', wrong), TypeError);
  assert.throws(() => store.set('a', 'b', { ttl: NaN }), RangeError);
  assert.throws(() => store.increment('a', 1n << 64n), TypeError);
  const closed = stave.open(':memory:');
  const entries = closed.entries();
  closed.close();
  closed.close();
  for (const use of [() => closed.get('a'), () => closed.size, () => closed.execute('PING'), () => entries.next()]) fails('STAVE_CLOSED', use);
});

test('keys are gone through while they change', () => {
  for (let i = 0; i < 600; ++i) store.set(`k${i}`, `${i}`, { sync: 'os' });
  store.execute('HSET', 'khash', 'f', 'v');
  store.set('other', 'x');
  const seen = new Map();
  for (const [key, value, type] of store.entries('k')) {
    seen.set(key.toString(), [value.toString(), type]);
    store.delete(key);
  }
  assert.equal(seen.size, 601);
  assert.deepEqual(seen.get('k7'), ['7', 'string']);
  assert.deepEqual(seen.get('khash'), ['', 'hash']);
  assert.deepEqual([...store.keys()].map(String), ['other']);
});

test('batches are whole or nothing', async () => {
  const batch = store.batch();
  batch.set('a', '10').increment('b', 5).set('e', 'x', { ttl: 60_000 }).append('a', '0').delete('none').expire('b', 60_000);
  batch.hashSet('h', 'f', 'v').hashRemove('h', 'g').listPush('l', '2').listPush('l', '1', { front: true });
  batch.setAdd('s', 'm').setRemove('s', 'n').sortedSetAdd('z', 'm', 2.5).sortedSetRemove('z', 'n');
  assert.equal(batch.size, 14);
  await batch.write();
  assert.equal(store.get('a').toString(), '100');
  assert.deepEqual(store.execute('LRANGE', 'l', 0, -1).map(String), ['1', '2']);
  assert.equal(store.execute('ZSCORE', 'z', 'm'), 2.5);
  assert.ok(store.getVersioned('e').expiresAt);
  await assert.rejects(store.batch().set('a', 'lost').increment('e').write(), { code: 'STAVE_NOT_A_NUMBER' });
  assert.equal(store.get('a').toString(), '100');
});

test('transactions are whole or nothing', () => {
  store.set('a', '15');
  const move = (txn) => {
    const left = txn.increment('a', -10);
    txn.increment('b', 10);
    if (left < 0) throw new Error('not enough');
    return left;
  };
  assert.equal(store.transact(['a', 'b'], move), 5);
  assert.throws(() => store.transact(['a', 'b'], move), /not enough/);
  assert.deepEqual(store.getMany(['a', 'b']).map(String), ['5', '10']);
  let kept;
  store.transact(['a'], (txn) => {
    kept = txn;
    txn.set('a', 'x', { ttl: 60_000 });
    assert.equal(txn.get('a').toString(), 'x');
    assert.equal(txn.get('none'), null);
    assert.equal(txn.append('a', 'y'), 2);
    assert.ok(txn.hashSet('h', 'f', 'v'));
    assert.equal(txn.hashGet('h', 'f').toString(), 'v');
    assert.equal(txn.listPush('l', '1'), 1);
    assert.equal(txn.listPop('l').toString(), '1');
    assert.ok(txn.setAdd('s', 'm') && txn.sortedSetAdd('z', 'm', 1.5) && !txn.delete('none') && !txn.expire('none', 1));
  });
  fails('STAVE_ABORTED', () => kept.get('a'));
  fails('STAVE_BUSY', () => store.transact(['a'], () => store.get('a')));
  fails('STAVE_BUSY', () => store.transact(['a'], () => store.close()));
  assert.throws(() => store.transact(['a']), TypeError);
});

test('commands answer in the shapes of JavaScript', () => {
  assert.equal(store.execute('SET', 'a', 'abc'), 'OK');
  assert.equal(store.execute('SETRANGE', 'a', 1, 'XY'), 3);
  assert.deepEqual(store.execute('MGET', 'a', 'none'), [Buffer.from('aXY'), null]);
  store.execute('HSET', 'h', 'f', 'v');
  assert.deepEqual(store.execute('HGETALL', 'h'), new Map([['f', Buffer.from('v')]]));
  store.database(3).set('a', 'elsewhere');
  assert.equal(store.execute('GET', 'a').toString(), 'aXY');
  assert.equal(store.database(3).execute('GET', 'a').toString(), 'elsewhere');
  assert.deepEqual([['MULTI'], ['GET', 'a'], ['EXEC']].map((words) => store.execute(...words)).slice(1), ['QUEUED', [Buffer.from('aXY')]]);
  store.execute('SELECT', 3);
  assert.equal(store.execute('GET', 'a').toString(), 'aXY');
});

test('the past is told, shown and brought back', () => {
  const first = store.set('a', '1');
  store.set('a', '22');
  store.delete('a');
  assert.deepEqual(store.history('a').map((one) => [one.kind, one.size, one.alive]), [['delete', 0, false], ['set', 2, true], ['set', 1, true]]);
  assert.equal(store.getAt('a', { lsn: first }).toString(), '1');
  assert.equal(store.getAt('a', { time: new Date() }), null);
  assert.equal(store.revert('a', { lsn: first }), true);
  assert.equal(store.get('a').toString(), '1');
  assert.throws(() => store.getAt('a', {}), TypeError);
});

test('snapshots, backups and restores', async () => {
  store.set('a', '1');
  store.execute('HSET', 'h', 'f', 'v');
  await store.sync();
  for (const [name, options] of [['data.json', {}], ['x', { format: 'ndjson' }], ['data.stave', undefined]]) {
    assert.equal(await store.snapshot(at(name), options), 2);
    const other = stave.open(':memory:');
    assert.equal(await other.load(at(name)), 2);
    assert.equal(other.get('a').toString(), '1');
    other.close();
  }
  await assert.rejects(store.snapshot(at('x'), { format: 'xml' }), RangeError);
  await assert.rejects(store.load(at('none')), { code: 'STAVE_NOT_FOUND' });
  const second = store.set('a', '2');
  assert.ok(await store.backup(at('backup')) > second);
  await stave.restore(at('backup'), at('before'), { lsn: second });
  const before = stave.open(at('before'));
  assert.equal(before.get('a').toString(), '1');
  before.close();
  await assert.rejects(stave.restore(at('backup'), at('before')), { code: 'STAVE_CONFLICT' });
  const working = store.snapshot(at('late.json'));
  fails('STAVE_BUSY', () => store.close());
  assert.equal(await working, 2);
});

test('what was set outlives a kill', () => {
  const script = "const s = require('stave').open(process.argv[1]); s.set('k', 'kept'); process.kill(process.pid, 'SIGKILL')";
  assert.equal(spawnSync(process.execPath, ['-e', script, at('killed')]).signal, 'SIGKILL');
  const killed = stave.open(at('killed'));
  assert.equal(killed.get('k').toString(), 'kept');
  killed.close();
});

test('a store that was forgotten is closed', () => {
  const script = `let s = require('stave').open(process.argv[1]); s.set('k', 'v'); s = null; gc(); setImmediate(() => {
    gc(); setImmediate(() => require('stave').open(process.argv[1]).close()); });`;
  const done = spawnSync(process.execPath, ['--expose-gc', '-e', script, at('forgotten')], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
});
