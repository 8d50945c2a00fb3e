import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { Queue } from "../../keras_colorize/serving/page/queue.mjs";

/** Jobs that end when they are told to. */
class Jobs {
  started = [];
  #ends = new Map();

  make(name) {
    return () => {
      this.started.push(name);
      return new Promise((resolve, reject) => this.#ends.set(name, { resolve, reject }));
    };
  }

  async end(name, error) {
    const { resolve, reject } = this.#ends.get(name);
    error ? reject(error) : resolve(name);
    await setImmediate();
  }
}

const never = () => new AbortController().signal;

test("two run at a time, in their order, and each gives its own result", async () => {
  const jobs = new Jobs();
  const queue = new Queue(2);
  const results = ["a", "b", "c", "d"].map((name) => queue.run(jobs.make(name), never()));
  assert.deepEqual(jobs.started, ["a", "b"]);
  await jobs.end("b");
  assert.deepEqual(jobs.started, ["a", "b", "c"]);
  await jobs.end("a");
  assert.deepEqual(jobs.started, ["a", "b", "c", "d"]);
  await jobs.end("c");
  await jobs.end("d");
  assert.deepEqual(await Promise.all(results), ["a", "b", "c", "d"]);
});

test("a job that fails makes room for the next", async () => {
  const jobs = new Jobs();
  const queue = new Queue(1);
  const failed = assert.rejects(queue.run(jobs.make("a"), never()), /broken/);
  const after = queue.run(jobs.make("b"), never());
  await jobs.end("a", new Error("broken"));
  await failed;
  await jobs.end("b");
  assert.equal(await after, "b");
});

test("a waiting job that is given up never starts", async () => {
  const jobs = new Jobs();
  const queue = new Queue(1);
  const stop = new AbortController();
  const first = queue.run(jobs.make("a"), never());
  const dropped = assert.rejects(queue.run(jobs.make("b"), stop.signal), { name: "AbortError" });
  const last = queue.run(jobs.make("c"), never());
  stop.abort();
  await dropped;
  await jobs.end("a");
  await jobs.end("c");
  assert.deepEqual(await Promise.all([first, last]), ["a", "c"]);
  assert.deepEqual(jobs.started, ["a", "c"]);
});

test("giving up a job that runs takes no other out of the queue", async () => {
  const jobs = new Jobs();
  const queue = new Queue(1);
  const stop = new AbortController();
  const first = queue.run(jobs.make("a"), stop.signal);
  const next = queue.run(jobs.make("b"), never());
  stop.abort();
  await jobs.end("a");
  await jobs.end("b");
  assert.deepEqual(await Promise.all([first, next]), ["a", "b"]);
});

test("what was given up before it came is refused", async () => {
  const jobs = new Jobs();
  await assert.rejects(new Queue(1).run(jobs.make("a"), AbortSignal.abort()), { name: "AbortError" });
  assert.deepEqual(jobs.started, []);
});
