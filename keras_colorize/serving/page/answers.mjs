/** What the server's answers mean, and what to do while it is busy. */

export const TRIES = 20;
const SHORTEST = 1; // seconds
const LONGEST = 60;

/**
 * An answer that is not a picture, in words. `retryAfter`, in seconds, is there when the server is
 * busy; `needsKey` is true when it wants its key, or another.
 */
export class AnswerError extends Error {
  constructor(message, { retryAfter, needsKey = false } = {}) {
    super(message);
    this.retryAfter = retryAfter;
    this.needsKey = needsKey;
  }
}

/**
 * @param {number} status of HTTP, 0 for no answer at all.
 * @param {string} body JSON with `error`, a sentence; other bodies are not shown.
 * @param {string | null} retryAfter the header of that name.
 * @param {number} bytes that were sent.
 */
export function errorOf(status, body, retryAfter, bytes) {
  if (status === 503) {
    return new AnswerError("The server is busy.", { retryAfter: secondsOf(retryAfter) });
  }
  if (status === 401) {
    return new AnswerError("This server wants its key, above.", { needsKey: true });
  }
  return new AnswerError(sentenceOf(body) ?? fallback(status, bytes));
}

/**
 * Sends again for as long as the server is busy.
 *
 * @param {() => Promise<T>} send
 * @param {(seconds: number) => Promise<void>} wait
 * @throws {AnswerError} what `send` threw, or the server was busy `TRIES` times.
 * @template T
 */
export async function untilFree(send, wait) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (error) {
      if (error.retryAfter === undefined) {
        throw error;
      }
      if (tries === TRIES) {
        throw new AnswerError("The server stayed busy. Try again later.");
      }
      await wait(error.retryAfter);
    }
  }
}

function secondsOf(header) {
  const seconds = /^\d+$/.test(header ?? "") ? Number(header) : 2;
  return Math.min(Math.max(seconds, SHORTEST), LONGEST);
}

function sentenceOf(body) {
  try {
    const { error } = JSON.parse(body);
    return typeof error === "string" && error ? error : undefined;
  } catch {
    return undefined;
  }
}

function fallback(status, bytes) {
  const megabytes = Math.round(bytes / 1e6);
  if (status === 0 && megabytes >= 10) {
    return `The connection broke off. The file has ${megabytes} MB, which may be too much.`;
  }
  return {
    0: "The server cannot be reached. Is it still running?",
    413: "The file is too large.",
    504: "Colouring took too long and was stopped.",
  }[status] ?? `The server could not colour it (status ${status}).`;
}
