// The @upstash/redis package pointed at the HTTP door.
import assert from "node:assert/strict";
import { Redis } from "@upstash/redis";

const redis = new Redis({ url: process.env.STAVE_URL, token: process.env.STAVE_TOKEN, enableTelemetry: false });

assert.equal(await redis.set("foo", "bar"), "OK");
assert.equal(await redis.get("foo"), "bar");
assert.equal(await redis.get("nothing"), null);
assert.equal(await redis.set("foo", "other", { nx: true }), null);
await redis.set("object", { a: [1, "é"], ok: true });
assert.deepEqual(await redis.get("object"), { a: [1, "é"], ok: true });
assert.equal(await redis.incrby("n", 41), 41);
assert.equal(await redis.incr("n"), 42);
assert.deepEqual(await redis.mget("foo", "nothing", "n"), ["bar", null, 42]);
await redis.setex("short", 60, "x");
const ttl = await redis.ttl("short");
assert.ok(ttl > 50 && ttl <= 60);

const pipeline = redis.pipeline();
pipeline.set("p", 1);
pipeline.incr("p");
pipeline.get("p");
assert.deepEqual(await pipeline.exec(), ["OK", 2, 2]);

const transaction = redis.multi();
transaction.set("t", "v");
transaction.append("t", "w");
transaction.get("t");
assert.deepEqual(await transaction.exec(), ["OK", 2, "vw"]);

let cursor = "0";
const seen = [];
do {
  const [next, keys] = await redis.scan(cursor, { match: "*o*", count: 10 });
  seen.push(...keys);
  cursor = String(next);
} while (cursor !== "0");
assert.ok(seen.includes("foo") && seen.includes("object"));
await assert.rejects(redis.incr("foo"), /not an integer/);
assert.equal(await redis.del("foo", "object"), 2);
console.log("upstash: ok");
