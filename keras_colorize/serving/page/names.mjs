/** Names of the files that are downloaded. */

const EXTENSIONS = { "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp" };

/** `old.tif` and `image/png` give `old-colorized.png`, as the command line does. */
export function coloredName(name, type) {
  const clean = name.replace(/[/\\:*?"<>|\u0000-\u001f]/g, "_");
  const dot = clean.lastIndexOf(".");
  const stem = dot > 0 ? clean.slice(0, dot) : clean;
  const extension = dot > 0 ? clean.slice(dot) : "";
  const same = { ".jpeg": ".jpg" }[extension.toLowerCase()] ?? extension.toLowerCase();
  const wanted = EXTENSIONS[type] ?? extension;
  return `${stem}-colorized${same === wanted ? extension : wanted}`;
}

/** Names that differ, upper and lower case alike: a second `a.jpg` becomes `a (2).jpg`. */
export function distinct(names) {
  const taken = new Set();
  return names.map((name) => {
    const dot = name.lastIndexOf(".");
    let candidate = name;
    for (let number = 2; taken.has(candidate.toLowerCase()); number += 1) {
      candidate = `${name.slice(0, dot)} (${number})${name.slice(dot)}`;
    }
    taken.add(candidate.toLowerCase());
    return candidate;
  });
}

/** The format to ask for: a browser shows and saves these three; undefined is that of the input. */
export function formatFor(type) {
  return type in EXTENSIONS ? undefined : "png";
}
