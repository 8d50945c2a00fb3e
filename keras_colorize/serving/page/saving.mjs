const KEPT = 60_000; // milliseconds that a browser may take to begin a download

/** Saves a blob as a file, where the browser saves downloads. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT);
}
