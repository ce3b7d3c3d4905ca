// Programs made for Redis, used as their own documentation shows, against a Stave server at STAVE_PORT.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Queue, QueueEvents, Worker, FlowProducer } from "bullmq";
import { RedisStore } from "connect-redis";
import Redis from "ioredis";
import rateLimiterFlexible from "rate-limiter-flexible";
import { createClient } from "redis";
import Redlock from "redlock";

const port = Number(process.env.STAVE_PORT ?? 6379);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

describe("ioredis", () => {
  let client;
  before(async () => { client = new Redis({ port }); await client.flushall(); });
  after(() => client.disconnect());

  test("commands, pipelines, transactions", async () => {
    assert.equal(await client.set("a", "1"), "OK");
    assert.equal(await client.incr("a"), 2);
    assert.deepEqual(await client.pipeline().set("b", "x").get("b").lpush("b", 1).exec().then((all) => all.map(([error, value]) => error ? error.message.split(" ")[0] : value)), ["OK", "x", "WRONGTYPE"]);
    assert.deepEqual(await client.multi().incr("a").incr("a").exec(), [[null, 3], [null, 4]]);
    assert.deepEqual(await client.hgetall("none"), {});
    await client.hset("h", { one: 1, two: "zwei" });
    assert.deepEqual(await client.hgetall("h"), { one: "1", two: "zwei" });
  });

  test("scripts as commands", async () => {
    client.defineCommand("addall", { numberOfKeys: 1, lua: "local s = 0 for _, v in ipairs(ARGV) do s = s + v end return redis.call('INCRBY', KEYS[1], s)" });
    assert.equal(await client.addall("sum", 1, 2, 3), 6);
    assert.equal(await client.addall("sum", 4), 10);
  });

  test("scan streams and binary values", async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    await client.set(Buffer.from("bin\0ary"), bytes);
    assert.deepEqual(await client.getBuffer("bin\0ary"), bytes);
    for (let i = 0; i < 300; i++) await client.set(`scan:${i}`, i);
    const seen = new Set();
    for await (const keys of client.scanStream({ match: "scan:*" })) keys.forEach((key) => seen.add(key));
    assert.equal(seen.size, 300);
  });

  test("publish and subscribe", async () => {
    const listener = new Redis({ port });
    const got = [];
    listener.on("message", (channel, message) => got.push([channel, message]));
    listener.on("pmessage", (pattern, channel, message) => got.push([pattern, channel, message]));
    await listener.subscribe("news");
    await listener.psubscribe("n*");
    assert.equal(await client.publish("news", "hello"), 2);
    await sleep(50);
    assert.deepEqual(got, [["news", "hello"], ["n*", "news", "hello"]]);
    listener.disconnect();
  });

  test("streams and blocking calls", async () => {
    const blocked = new Redis({ port });
    const answer = blocked.blpop("queue", 5);
    await sleep(50);
    await client.rpush("queue", "job");
    assert.deepEqual(await answer, ["queue", "job"]);
    const read = blocked.xread("BLOCK", 5000, "STREAMS", "log", "$");
    await sleep(50);
    const id = await client.xadd("log", "*", "k", "v");
    assert.deepEqual(await read, [["log", [[id, ["k", "v"]]]]]);
    blocked.disconnect();
  });
});

describe("node-redis", () => {
  test("RESP3, isolation, scripts", async () => {
    const client = await createClient({ url: `redis://127.0.0.1:${port}`, RESP: 3 }).connect();
    await client.flushAll();
    await client.hSet("h", { a: "1", b: "2" });
    assert.deepEqual({ ...(await client.hGetAll("h")) }, { a: "1", b: "2" });
    await client.zAdd("z", [{ score: 1.5, value: "x" }, { score: 2, value: "y" }]);
    assert.deepEqual(await client.zRangeWithScores("z", 0, -1), [{ value: "x", score: 1.5 }, { value: "y", score: 2 }]);
    assert.deepEqual(await client.multi().set("k", "1").incr("k").exec(), ["OK", 2]);
    await client.watch("k");
    const other = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    await other.set("k", "9");
    await assert.rejects(client.multi().get("k").exec());
    assert.equal(await client.eval("return KEYS[1]", { keys: ["q"] }), "q");
    const keys = [];
    for await (const some of client.scanIterator()) keys.push(...[].concat(some));
    assert.deepEqual(keys.sort(), ["h", "k", "z"]);
    await other.close();
    await client.close();
  });

  test("client-side cache", { skip: process.env.STAVE_TRACKING === "0" }, async () => {
    const cached = await createClient({ url: `redis://127.0.0.1:${port}`, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: "LRU" } }).connect();
    const other = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    await other.set("cached", "1");
    assert.equal(await cached.get("cached"), "1");
    assert.equal(await cached.get("cached"), "1");
    await other.set("cached", "2");
    await sleep(100);
    assert.equal(await cached.get("cached"), "2");
    await cached.close();
    await other.close();
  });
});

describe("BullMQ", () => {
  const connection = { port, maxRetriesPerRequest: null };

  test("jobs with workers, delays, priorities, retries and flows", async () => {
    const queue = new Queue("work", { connection });
    const events = new QueueEvents("work", { connection });
    await events.waitUntilReady();
    let failures = 0;
    const done = [];
    const worker = new Worker("work", async (job) => {
      if (job.name === "flaky" && failures++ < 2) throw new Error("not yet");
      done.push(job.name);
      await job.updateProgress(50);
      return job.data.n * 2;
    }, { connection, concurrency: 4 });
    const jobs = await queue.addBulk(Array.from({ length: 50 }, (_, n) => ({ name: "plain", data: { n } })));
    assert.deepEqual(await Promise.all(jobs.map((job) => job.waitUntilFinished(events, 20000))), jobs.map((_, n) => n * 2));
    const delayed = await queue.add("late", { n: 1 }, { delay: 300 });
    assert.equal(await delayed.waitUntilFinished(events, 20000), 2);
    const flaky = await queue.add("flaky", { n: 5 }, { attempts: 3, backoff: { type: "fixed", delay: 50 } });
    assert.equal(await flaky.waitUntilFinished(events, 20000), 10);
    const flow = new FlowProducer({ connection });
    const tree = await flow.add({ name: "parent", queueName: "work", data: { n: 7 }, children: [{ name: "child", queueName: "work", data: { n: 1 } }] });
    assert.equal(await tree.job.waitUntilFinished(events, 20000), 14);
    assert.ok(done.indexOf("child") < done.indexOf("parent"));
    assert.equal(await queue.getCompletedCount(), 54);
    await queue.upsertJobScheduler("tick", { every: 100 }, { name: "tick", data: { n: 0 } });
    await sleep(600);
    assert.ok(done.filter((name) => name === "tick").length >= 2);
    await queue.removeJobScheduler("tick");
    await worker.close();
    await queue.obliterate({ force: true });
    await flow.close();
    await events.close();
    await queue.close();
  });
});

describe("what stands on clients", () => {
  test("rate-limiter-flexible", async () => {
    const client = new Redis({ port });
    const limiter = new rateLimiterFlexible.RateLimiterRedis({ storeClient: client, points: 3, duration: 5 });
    for (let i = 0; i < 3; i++) await limiter.consume("someone");
    await assert.rejects(limiter.consume("someone"), (refused) => refused.msBeforeNext > 0 && refused.msBeforeNext <= 5000);
    await limiter.delete("someone");
    assert.equal((await limiter.consume("someone")).remainingPoints, 2);
    client.disconnect();
  });

  test("redlock", async () => {
    const client = new Redis({ port });
    const redlock = new Redlock([client], { retryCount: 0 });
    const lock = await redlock.acquire(["resource"], 2000);
    await assert.rejects(redlock.acquire(["resource"], 2000));
    await lock.extend(3000);
    await lock.release();
    await (await redlock.acquire(["resource"], 1000)).release();
    client.disconnect();
  });

  test("connect-redis", async () => {
    const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
    const store = new RedisStore({ client, ttl: 60 });
    const session = { cookie: { maxAge: 60000 }, user: "ada" };
    await store.set("sid", session);
    assert.equal((await store.get("sid")).user, "ada");
    await store.touch("sid", session);
    assert.equal(await store.length(), 1);
    assert.deepEqual((await store.ids()), ["sid"]);
    await store.destroy("sid");
    assert.ok(!(await store.get("sid")));
    await client.close();
  });
});
