import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";

import { crc32, zip } from "../../keras_colorize/serving/page/zip.mjs";

const bytes = (text) => new TextEncoder().encode(text);

test("the CRC-32 of the check string is that of the catalogue", () => {
  assert.equal(crc32(bytes("123456789")), 0xcbf43926);
  assert.equal(crc32(bytes("")), 0);
});

test("what is packed is kept as it is", async () => {
  const packed = await zip([{ name: "a.txt", blob: new Blob(["grey"]) }]);
  const content = Buffer.from(await packed.arrayBuffer());
  assert.equal(packed.type, "application/zip");
  assert.equal(content.subarray(0, 4).toString("latin1"), "PK\u0003\u0004");
  assert.ok(content.includes("a.txtgrey"));
});

test("more than a ZIP file holds is refused before a byte is read", async () => {
  const never = () => assert.fail("read");
  const large = { size: 0xffffffff, arrayBuffer: never };
  await assert.rejects(zip([{ name: "large", blob: large }]), RangeError);
  const small = { size: 1, arrayBuffer: never };
  const many = Array.from({ length: 65536 }, (_, k) => ({ name: `${k}`, blob: small }));
  await assert.rejects(zip(many), RangeError);
});

// Python's own reader looks at this file: test_modules.py.
test("a ZIP file for another reader", { skip: !process.env.ZIP_FILE && "no ZIP_FILE" }, async () => {
  const all = Uint8Array.from({ length: 70_000 }, (_, k) => (k * k) % 251);
  const files = [
    { name: "a.jpg", blob: new Blob([all]) },
    { name: "Großmutter 祖母.png", blob: new Blob(["two"]) },
    { name: "empty", blob: new Blob([]) },
  ];
  const packed = await zip(files, new Date(2026, 10, 26, 17, 5, 42));
  writeFileSync(process.env.ZIP_FILE, Buffer.from(await packed.arrayBuffer()));
});
