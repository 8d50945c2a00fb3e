import { untilFree } from "./answers.mjs";
import { Comparison } from "./comparison.mjs";
import { coloredName } from "./names.mjs";
import { colorize } from "./request.mjs";
import { save } from "./saving.mjs";

const DEBOUNCE = 300; // milliseconds without a change, before a photograph is coloured again

let count = 0;

/** One photograph on the page, from choosing it to the download. */
export class Card {
  #file;
  #queue;
  #comparison;
  #stop;
  #timer;
  #onChange;
  #say;
  #result = null;
  #problem = null;

  /**
   * @param {File} file
   * @param {Queue} queue whose turns it waits for.
   * @param {{change: () => void, remove: (card: Card) => void, say: (words: string) => void}} on
   */
  constructor(file, queue, on) {
    const template = document.getElementById("card");
    this.element = template.content.firstElementChild.cloneNode(true);
    this.#file = file;
    this.#queue = queue;
    this.#onChange = on.change;
    this.#say = on.say;
    this.#comparison = new Comparison(this.#find("picture"), file);
    this.#label();
    this.#find("saturation").oninput = () => this.#changed();
    this.#find("size").onchange = () => this.#changed();
    this.#find("download").onclick = () => save(this.#result, this.name);
    this.#find("again").onclick = () => this.color();
    this.#find("remove").onclick = () => on.remove(this);
  }

  /** The coloured picture as it was last asked for; null while there is none. */
  get result() {
    return this.#result;
  }

  /** The name of the coloured file. */
  get name() {
    return coloredName(this.#file.name, this.#result.type);
  }

  /** Whether the server refused it for want of its key. */
  get needsKey() {
    return this.#problem?.needsKey ?? false;
  }

  /** Whether it waits for an answer. */
  get busy() {
    return this.#result === null && this.#problem === null;
  }

  /** Colours the photograph with the present settings; a request on its way is given up. */
  async color() {
    this.#stop?.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#set({ state: "Waiting for its turn", sent: null });
    try {
      if (this.#file.type && !this.#file.type.startsWith("image/")) {
        throw new Error("This is not a photograph.");
      }
      const blob = await this.#queue.run(() => this.#send(signal), signal);
      await this.#comparison.show(blob);
      if (!signal.aborted) {
        this.#set({ state: `${this.#comparison.size} pixels, coloured`, result: blob });
        this.#say(`${this.#file.name} is coloured.`);
      }
    } catch (error) {
      if (!signal.aborted) {
        this.#set({ state: error.message, problem: error });
        this.#say(`${this.#file.name} was not coloured. ${error.message}`);
      }
    }
  }

  /** Gives up what is on its way and lets go of the pictures. */
  close() {
    clearTimeout(this.#timer);
    this.#stop?.abort();
    this.#comparison.close();
    this.element.remove();
  }

  #find(name) {
    return this.element.querySelector(`.${name}`);
  }

  #label() {
    const { name } = this.#file;
    count += 1;
    this.#find("name").textContent = name;
    this.#find("name").title = name;
    for (const control of ["saturation", "size"]) {
      this.#find(control).id = `${control}-${count}`;
      this.#find(`${control}-label`).htmlFor = `${control}-${count}`;
    }
    for (const action of ["download", "again", "remove"]) {
      const button = this.#find(action);
      button.setAttribute("aria-label", `${button.textContent} ${name}`);
    }
    this.#find("progress").setAttribute("aria-label", `Progress of ${name}`);
  }

  #settings() {
    return { saturation: this.#find("saturation").value, size: this.#find("size").value };
  }

  #changed() {
    const percent = `${Math.round(this.#find("saturation").value * 100)} %`;
    this.#find("saturation-value").textContent = percent;
    this.#find("saturation").setAttribute("aria-valuetext", percent);
    clearTimeout(this.#timer);
    this.#stop.abort();
    this.#set({ state: "Colouring again", sent: null });
    this.#timer = setTimeout(() => this.color(), DEBOUNCE);
  }

  #send(signal) {
    const send = () => {
      signal.throwIfAborted(); // it may have been given up between two events
      this.#set({ state: "Sending", sent: 0 });
      return colorize(this.#file, this.#settings(), signal, (share) => {
        this.#set(share < 1 ? { state: "Sending", sent: share } : { state: "Colouring", sent: null });
      });
    };
    const wait = (seconds) => {
      const unit = seconds === 1 ? "second" : "seconds";
      const words = `The server is busy. Trying again in ${seconds} ${unit}.`;
      this.#set({ state: words, sent: null });
      this.#say(`${this.#file.name}: ${words}`);
      return pause(seconds * 1000, signal);
    };
    return untilFree(send, wait);
  }

  /** Shows how far it is: `sent` of what goes to the server (null: not known), or how it ended. */
  #set({ state, sent, result = null, problem = null }) {
    this.#result = result;
    this.#problem = problem;
    const progress = this.#find("progress");
    if (sent) {
      progress.value = sent;
    } else {
      progress.removeAttribute("value");
    }
    progress.classList.toggle("idle", !this.busy);
    this.element.setAttribute("aria-busy", this.busy);
    this.element.classList.toggle("problem", problem !== null);
    this.#find("state").textContent = state;
    this.#find("download").disabled = result === null;
    this.#find("again").hidden = problem === null;
    this.#onChange();
  }
}

function pause(milliseconds, signal) {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      signal.removeEventListener("abort", stop);
      resolve();
    }
    function stop() {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal.addEventListener("abort", stop, { once: true });
  });
}
