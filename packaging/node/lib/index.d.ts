/// <reference types="node" />
/** A durable key-value store in your process. Times are milliseconds; a Date is taken as a time, too. */

/** A string is taken as its UTF-8. */
export type Bytes = string | Uint8Array;
export type SyncPolicy = 'always' | 'interval' | 'os';

export interface Settings {
  sync?: SyncPolicy;
  syncIntervalMs?: number;
  segmentBytes?: number;
  databases?: number;
  createIfMissing?: boolean;
  maxMemoryBytes?: number;
  memoryPolicy?: 'spill' | 'noeviction' | 'allkeys-lru' | 'allkeys-lfu' | 'allkeys-random' | 'volatile-lru' | 'volatile-lfu'
    | 'volatile-random' | 'volatile-ttl';
  packing?: 'none' | 'lz4' | 'zstd';
  packingLevel?: number;
  historyMs?: number;
  historyBytes?: number;
}

export interface WriteOptions { sync?: SyncPolicy }
export interface ExpiryOptions {
  /** Milliseconds from now, or, when `sliding`, from the last use. */
  ttl?: number | null;
  sliding?: boolean;
}
export interface SetOptions extends WriteOptions, ExpiryOptions { keepTtl?: boolean }
export type Condition = { absent: true } | { present: true } | { version: number } | { value: Bytes };
/** By LSN: when that record had just been written. */
export type Point = { lsn: number } | { time: number | Date };

export interface Versioned { value: Buffer; version: number; expiresAt: number | null }
export interface KeyVersion { version: number; time: number; kind: string; size: number; alive: boolean; expiresAt: number | null }

/** Failures: an Error whose `code` is "STAVE_BUSY", "STAVE_WRONG_TYPE", …; "STAVE_REPLY": what a command answered. */
export class Store {
  close(): void;
  /** The same store, another of its databases. */
  database(number: number): Store;

  get(key: Bytes): Buffer | null;
  getVersioned(key: Bytes): Versioned | null;
  getMany(keys: Iterable<Bytes>): (Buffer | null)[];
  has(key: Bytes): boolean;
  /** On disk when it returns, unless `sync` says otherwise. Returns the version. */
  set(key: Bytes, value: Bytes, options?: SetOptions): number;
  setIf(key: Bytes, value: Bytes, condition: Condition, options?: WriteOptions & ExpiryOptions): boolean;
  delete(key: Bytes, options?: WriteOptions): boolean;
  /** A bigint where a number would not be exact. */
  increment(key: Bytes, by?: number | bigint, options?: WriteOptions): number | bigint;
  append(key: Bytes, suffix: Bytes): number;
  expire(key: Bytes, ttl: number | null, options?: WriteOptions & { sliding?: boolean }): boolean;
  readonly size: number;
  clear(): void;

  /** Key, value (of a collection: nothing) and type, in no order. Nothing is held between two of them. */
  entries(prefix?: Bytes): Generator<[Buffer, Buffer, string]>;
  keys(prefix?: Bytes): Generator<Buffer>;
  [Symbol.iterator](): Generator<[Buffer, Buffer, string]>;

  batch(options?: WriteOptions): Batch;
  /** Runs `work` with the keys locked; all of it or, when it throws, nothing. Use nothing but `txn` inside. It may run again. */
  transact<T>(keys: Iterable<Bytes>, work: (txn: Txn) => T, options?: WriteOptions): T;
  execute(...words: (Bytes | number | bigint)[]): any;

  history(key: Bytes, count?: number): KeyVersion[];
  getAt(key: Bytes, when: Point): Buffer | null;
  revert(key: Bytes, when: Point, options?: WriteOptions): boolean;

  /** Everything written so far on disk. */
  sync(): Promise<void>;
  /** The number of keys. */
  snapshot(path: Bytes, options?: { format?: 'binary' | 'binary1' | 'json' | 'ndjson' }): Promise<number>;
  load(path: Bytes): Promise<number>;
  /** The LSN up to which it goes. */
  backup(directory: Bytes): Promise<number>;
}

export class Batch {
  set(key: Bytes, value: Bytes, options?: ExpiryOptions): this;
  delete(key: Bytes): this;
  increment(key: Bytes, by?: number | bigint): this;
  append(key: Bytes, suffix: Bytes): this;
  expire(key: Bytes, ttl: number | null, options?: { sliding?: boolean }): this;
  hashSet(key: Bytes, field: Bytes, value: Bytes): this;
  hashRemove(key: Bytes, field: Bytes): this;
  listPush(key: Bytes, element: Bytes, options?: { front?: boolean }): this;
  setAdd(key: Bytes, member: Bytes): this;
  setRemove(key: Bytes, member: Bytes): this;
  sortedSetAdd(key: Bytes, member: Bytes, score: number): this;
  sortedSetRemove(key: Bytes, member: Bytes): this;
  readonly size: number;
  write(): Promise<void>;
}

export class Txn {
  get(key: Bytes): Buffer | null;
  set(key: Bytes, value: Bytes, options?: ExpiryOptions): void;
  delete(key: Bytes): boolean;
  increment(key: Bytes, by?: number | bigint): number | bigint;
  append(key: Bytes, suffix: Bytes): number;
  expire(key: Bytes, ttl: number | null, options?: { sliding?: boolean }): boolean;
  hashSet(key: Bytes, field: Bytes, value: Bytes): boolean;
  hashGet(key: Bytes, field: Bytes): Buffer | null;
  listPush(key: Bytes, element: Bytes, options?: { front?: boolean }): number;
  listPop(key: Bytes, options?: { front?: boolean }): Buffer | null;
  setAdd(key: Bytes, member: Bytes): boolean;
  sortedSetAdd(key: Bytes, member: Bytes, score: number): boolean;
}

/** ":memory:" is a store without a directory. */
export function open(directory: Bytes, options?: Settings): Store;
/** Makes a new store out of a backup or of a store's directory. By LSN: everything before it. */
export function restore(source: Bytes, target: Bytes, options?: { log?: Bytes; lsn?: number; time?: number | Date }): Promise<void>;
