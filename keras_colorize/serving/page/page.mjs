import { Card } from "./card.mjs";
import { distinct } from "./names.mjs";
import { Queue } from "./queue.mjs";
import { useKey } from "./request.mjs";
import { save } from "./saving.mjs";
import { zip } from "./zip.mjs";

const UPLOADS = 2; // at a time
const MOST = 50; // photographs on the page
const SAID = 8; // sentences kept for screen readers

const find = (id) => document.getElementById(id);
const queue = new Queue(UPLOADS);
const cards = [];
const on = { change: update, remove, say };

function add(files) {
  const room = MOST - cards.length;
  const left = files.length - room;
  notice(left > 0 ? `The page holds ${MOST} photographs. Left out: ${left}.` : "");
  for (const file of [...files].slice(0, room)) {
    const card = new Card(file, queue, on);
    cards.push(card);
    find("cards").append(card.element);
    card.color();
  }
  update();
}

function remove(card) {
  const index = cards.indexOf(card);
  cards.splice(index, 1);
  card.close();
  update();
  const next = cards[index] ?? cards[index - 1];
  (next?.element.querySelector(".remove") ?? find("choose")).focus();
}

function removeAll() {
  for (const card of cards.splice(0)) {
    card.close();
  }
  notice("");
  update();
  find("choose").focus();
}

async function downloadAll() {
  const ready = cards.filter((card) => card.result);
  const names = distinct(ready.map((card) => card.name));
  const files = ready.map((card, index) => ({ name: names[index], blob: card.result }));
  try {
    save(await zip(files), "colorized.zip");
  } catch (error) {
    notice(error.message);
  }
}

function update() {
  const ready = cards.filter((card) => card.result).length;
  const busy = cards.filter((card) => card.busy).length;
  const problems = cards.length - ready - busy;
  const words = [`${ready} of ${cards.length} coloured`];
  if (problems) {
    words.push(`${problems} failed`);
  }
  find("count").textContent = words.join(", ");
  find("main").classList.toggle("empty", cards.length === 0);
  find("work").hidden = cards.length === 0;
  find("key-form").hidden = !cards.some((card) => card.needsKey);
  find("for-all").hidden = cards.length < 2;
  find("download-all").disabled = ready === 0 || busy > 0;
}

function enterKey(event) {
  event.preventDefault();
  useKey(find("key").value);
  find("choose").focus(); // as this form goes
  for (const card of cards.filter((card) => card.needsKey)) {
    card.color();
  }
}

function notice(words) {
  find("notice").textContent = words;
  find("notice").hidden = !words;
}

function say(words) {
  const log = find("log");
  const line = document.createElement("p");
  line.textContent = words;
  log.append(line);
  while (log.childElementCount > SAID) {
    log.firstElementChild.remove();
  }
}

function holdsFiles({ dataTransfer }) {
  return dataTransfer.types.includes("Files");
}

for (const [button, input] of [["choose", "files"], ["take", "camera"]]) {
  find(button).onclick = () => find(input).click();
  find(input).onchange = ({ target }) => {
    add(target.files);
    target.value = ""; // so that the same file can be chosen again
  };
}
find("download-all").onclick = downloadAll;
find("remove-all").onclick = removeAll;
find("key-form").onsubmit = enterKey;

let depth = 0; // each element on the way enters and leaves
function over(change) {
  depth = Math.max(0, depth + change);
  find("drop").classList.toggle("over", depth > 0);
}
addEventListener("dragenter", (event) => holdsFiles(event) && over(1));
addEventListener("dragleave", (event) => holdsFiles(event) && over(-1));
addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (holdsFiles(event)) {
    event.preventDefault();
    over(-depth);
    const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
    const files = items.filter((item) => !item.webkitGetAsEntry()?.isDirectory);
    add(files.map((item) => item.getAsFile()));
    if (files.length < items.length) {
      notice("A folder cannot be dropped, only the photographs in it.");
    }
  }
});
