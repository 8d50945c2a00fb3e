import { errorOf } from "./answers.mjs";
import { formatFor } from "./names.mjs";

let key = "";

/** Sets the key of the server, which each request brings along from now on; "" is none. */
export function useKey(text) {
  key = text;
}

/**
 * Sends one photograph and gives its coloured picture. (`fetch` tells no progress of sending.)
 *
 * @param {File} file
 * @param {{saturation: string, size: string}} settings
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onSent gets the share that is sent, from 0 to 1.
 * @returns {Promise<Blob>}
 * @throws {AnswerError} why there is no picture.
 */
export function colorize(file, { saturation, size }, signal, onSent) {
  const form = new FormData();
  form.set("saturation", saturation);
  form.set("size", size);
  const format = formatFor(file.type);
  if (format) {
    form.set("format", format);
  }
  form.set("image", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const fail = (body) => {
      const { status } = request;
      reject(errorOf(status, body, request.getResponseHeader("Retry-After"), file.size));
    };
    request.open("POST", "colorize");
    if (key) {
      request.setRequestHeader("Authorization", `Bearer ${key}`);
    }
    request.responseType = "blob";
    request.upload.onprogress = ({ loaded, total }) => onSent(loaded / total);
    request.onload = async () => {
      if (request.status === 200) {
        resolve(request.response);
      } else {
        fail(await request.response.text());
      }
    };
    request.onerror = () => fail("");
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    request.send(form);
  });
}
