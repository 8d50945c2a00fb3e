/** Runs jobs in the order they came in, at most `width` of them at a time. */
export class Queue {
  #width;
  #running = 0;
  #waiting = [];

  constructor(width) {
    this.#width = width;
  }

  /**
   * Runs `job` when its turn comes.
   *
   * @param {() => Promise<T>} job
   * @param {AbortSignal} signal takes a waiting job out of the queue; one that runs has to obey it
   *   by itself.
   * @returns {Promise<T>} what the job gives, or the signal's reason as an error.
   * @template T
   */
  run(job, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        reject(signal.reason);
      };
      const enter = () => signal.removeEventListener("abort", leave);
      const entry = { job, resolve, reject, enter };
      signal.addEventListener("abort", leave);
      this.#waiting.push(entry);
      this.#next();
    });
  }

  async #next() {
    if (this.#running >= this.#width || this.#waiting.length === 0) {
      return;
    }
    const { job, resolve, reject, enter } = this.#waiting.shift();
    enter();
    this.#running += 1;
    try {
      resolve(await job());
    } catch (error) {
      reject(error);
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }
}
