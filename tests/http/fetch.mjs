// Node's own fetch against the HTTP door: values, versions, commands, problems.
import assert from "node:assert/strict";

const base = process.env.STAVE_URL;
const authorization = `Bearer ${process.env.STAVE_TOKEN}`;
const ask = (path, options = {}) =>
  fetch(base + path, { ...options, headers: { authorization, ...options.headers } });

const bytes = new Uint8Array(300_000).map((_, i) => i % 251);
const octets = { "content-type": "application/octet-stream" };
let answer = await ask("/db/some%20key", { method: "PUT", body: bytes, headers: octets });
assert.equal(answer.status, 201);
const tag = answer.headers.get("etag");
answer = await ask("/db/some%20key");
assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), bytes);
assert.equal(answer.headers.get("etag"), tag);
answer = await ask("/db/some%20key", { method: "PUT", body: "x", headers: { ...octets, "if-none-match": "*" } });
assert.equal(answer.status, 412);
assert.equal((await answer.json()).version, tag.slice(1, -1));

answer = await ask("/db/doc", { method: "PUT", body: JSON.stringify({ a: "é" }), headers: { "content-type": "application/json" } });
assert.equal(answer.status, 201);
assert.deepEqual(await (await ask("/db/doc")).json(), { a: "é" });

answer = await ask("/pipeline", { method: "POST", body: JSON.stringify([["SET", "n", 1], ["INCR", "n"]]) });
assert.deepEqual(await answer.json(), [{ result: "OK" }, { result: 2 }]);
assert.equal((await fetch(base + "/db/doc")).status, 401);
assert.equal((await Promise.all(Array.from({ length: 100 }, (_, i) => ask("/command", { method: "POST", body: JSON.stringify(["INCR", "n"]) })))).every((r) => r.ok), true);
assert.deepEqual(await (await ask("/command", { method: "POST", body: '["GET","n"]' })).json(), { result: "102" });
console.log("fetch: ok");
