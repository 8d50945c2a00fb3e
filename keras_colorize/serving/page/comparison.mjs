/**
 * Two pictures on one another, with a line that is moved: the one from before left of it, the
 * coloured one right. The range input is what keyboards and screen readers use; pointers may take
 * hold anywhere on the picture.
 */
export class Comparison {
  #picture;
  #before;
  #after;
  #split;

  /** Shows `file` alone, under `name`, until there is a coloured picture. */
  constructor(picture, file) {
    this.#picture = picture;
    this.#before = picture.querySelector(".before");
    this.#after = picture.querySelector(".after");
    this.#split = picture.querySelector(".split");
    this.#before.alt = `${file.name}, before`;
    this.#after.alt = `${file.name}, coloured`;
    this.#split.setAttribute("aria-label", `Before and after, ${file.name}`);
    this.#before.onload = () => this.#fit(this.#before);
    this.#before.onerror = () => picture.classList.add("no-before"); // TIFF, in most browsers
    this.#before.src = URL.createObjectURL(file);
    this.#split.oninput = () => this.#show();
    picture.onpointerdown = (event) => this.#grasp(event);
    picture.onpointermove = (event) => this.#drag(event);
    this.#show();
  }

  /** Shows a coloured picture; the one before it stays until this one is decoded. */
  async show(blob) {
    const old = this.#after.src;
    this.#after.src = URL.createObjectURL(blob);
    try {
      await this.#after.decode();
    } finally {
      URL.revokeObjectURL(old);
    }
    this.#fit(this.#after);
    this.#after.hidden = false;
    this.#split.hidden = this.#picture.classList.contains("no-before");
    this.#picture.classList.add("colored");
  }

  /** The size in pixels, as words. */
  get size() {
    return `${this.#after.naturalWidth} × ${this.#after.naturalHeight}`;
  }

  /** Lets go of the pictures. */
  close() {
    for (const image of [this.#before, this.#after]) {
      URL.revokeObjectURL(image.src);
      image.removeAttribute("src");
    }
  }

  #fit({ naturalWidth, naturalHeight }) {
    this.#picture.style.setProperty("--ratio", naturalWidth / naturalHeight);
    this.#picture.style.setProperty("--width", `${naturalWidth}px`);
  }

  #show() {
    const percent = Number(this.#split.value);
    this.#picture.style.setProperty("--split", `${percent}%`);
    this.#picture.classList.toggle("mostly-after", percent < 15);
    this.#picture.classList.toggle("mostly-before", percent > 85);
    this.#split.setAttribute("aria-valuetext", `${percent} % before, ${100 - percent} % coloured`);
  }

  #grasp(event) {
    if (event.button === 0 && !this.#split.hidden) {
      event.preventDefault(); // or the browser drags the image away
      this.#picture.setPointerCapture(event.pointerId);
      this.#split.focus({ preventScroll: true });
      this.#drag(event);
    }
  }

  #drag({ pointerId, clientX }) {
    if (this.#picture.hasPointerCapture(pointerId)) {
      const { left, width } = this.#picture.getBoundingClientRect();
      this.#split.value = ((clientX - left) / width) * 100;
      this.#show();
    }
  }
}
