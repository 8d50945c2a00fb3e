import assert from "node:assert/strict";
import { test } from "node:test";

import { AnswerError, errorOf, TRIES, untilFree } from "../../keras_colorize/serving/page/answers.mjs";

const words = (status, body, bytes = 1000) => errorOf(status, body, null, bytes).message;

test("the server's sentence is what is shown", () => {
  const body = JSON.stringify({ error: "The picture is cut short." });
  assert.equal(words(400, body), "The picture is cut short.");
  assert.equal(words(413, body), "The picture is cut short.");
});

test("what is no sentence is put into words", () => {
  for (const body of ["", "<html>", "null", "[]", '{"error": 3}', '{"error": ""}']) {
    assert.match(words(504, body), /too long/);
    assert.match(words(413, body), /too large/);
    assert.match(words(500, body), /status 500/);
  }
  assert.match(words(0, ""), /still running/);
  assert.match(words(0, "", 40e6), /40 MB/);
});

test("a busy server says when to come again, within reason", () => {
  const after = (header) => errorOf(503, "", header, 0).retryAfter;
  assert.equal(after("7"), 7);
  assert.equal(after("0"), 1);
  assert.equal(after("100000"), 60);
  assert.equal(after(null), 2);
  assert.equal(after("Thu, 26 Nov 2026 17:00:00 GMT"), 2);
  assert.equal(errorOf(504, "", "7", 0).retryAfter, undefined);
});

test("a missing key is told apart", () => {
  assert.equal(errorOf(401, "", null, 0).needsKey, true);
  assert.equal(errorOf(400, "", null, 0).needsKey, false);
});

test("it is sent again for as long as the server is busy", async () => {
  const answers = [errorOf(503, "", "3", 0), errorOf(503, "", "5", 0)];
  const waited = [];
  const result = await untilFree(
    async () => {
      if (answers.length > 0) {
        throw answers.shift();
      }
      return "picture";
    },
    async (seconds) => waited.push(seconds),
  );
  assert.equal(result, "picture");
  assert.deepEqual(waited, [3, 5]);
});

test("other errors are not tried again, and a busy server not without end", async () => {
  let sent = 0;
  const wait = async () => {};
  const send = (error) => async () => {
    sent += 1;
    throw error;
  };
  await assert.rejects(untilFree(send(errorOf(400, "", null, 0)), wait), AnswerError);
  assert.equal(sent, 1);
  await assert.rejects(untilFree(send(errorOf(503, "", "1", 0)), wait), /stayed busy/);
  assert.equal(sent, 1 + TRIES);
});
