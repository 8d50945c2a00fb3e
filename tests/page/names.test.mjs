import assert from "node:assert/strict";
import { test } from "node:test";

import { coloredName, distinct, formatFor } from "../../keras_colorize/serving/page/names.mjs";

test("a coloured file is named after the photograph and its own format", () => {
  assert.equal(coloredName("old.jpg", "image/jpeg"), "old-colorized.jpg");
  assert.equal(coloredName("OLD.JPEG", "image/jpeg"), "OLD-colorized.JPEG");
  assert.equal(coloredName("scan.tiff", "image/png"), "scan-colorized.png");
  assert.equal(coloredName("my.old.photo.webp", "image/webp"), "my.old.photo-colorized.webp");
  assert.equal(coloredName("photo", "image/jpeg"), "photo-colorized.jpg");
  assert.equal(coloredName(".jpg", "image/jpeg"), ".jpg-colorized.jpg");
});

test("a name cannot leave its folder", () => {
  assert.equal(coloredName("../../a\\b:c.jpg", "image/jpeg"), ".._.._a_b_c-colorized.jpg");
});

test("names in a ZIP file differ, whatever the file system thinks of case", () => {
  const names = ["a.jpg", "A.jpg", "b.png", "a.jpg", "a (2).jpg"];
  const made = distinct(names);
  assert.deepEqual(made, ["a.jpg", "A (2).jpg", "b.png", "a (3).jpg", "a (2) (2).jpg"]);
});

test("what a browser cannot show comes back as PNG", () => {
  assert.equal(formatFor("image/jpeg"), undefined);
  assert.equal(formatFor("image/webp"), undefined);
  assert.equal(formatFor("image/tiff"), "png");
  assert.equal(formatFor(""), "png");
});
