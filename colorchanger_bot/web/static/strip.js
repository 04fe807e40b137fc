// The last colours as a strip: each can be used again or copied, and all of them saved as a picture.

import { copy, make, onNews, write } from "./dom.js";
import { asPng, asSvg, pictureOf, save } from "./picture.js";

const PLACES = 30;
const RESULTS = { changed: "", unknown: "no answer", rejected: "refused", login: "needs login", unavailable: "failed" };
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export class Strip {
  #card;
  #swatches = new Map();
  #entries = [];
  #picked = null;

  constructor(card, login) {
    this.#card = card;
    this.login = login;
    card.$(".strip").append(...Array.from({ length: PLACES }, () => make("span", "", { className: "place" })));
    card.$(".again").addEventListener("click", () => card.say(`set ${this.entry.color}`));
    card.$(".copy").addEventListener("click", () => this.#copy(this.entry.color));
    card.$(".copy-all").addEventListener("click", () => this.#copy(this.colors.join(", ")));
    card.$(".save-png").addEventListener("click", async () => save(await asPng(this.#picture()), `${login}.png`));
    card.$(".save-svg").addEventListener("click", () => save(asSvg(this.#picture()), `${login}.svg`));
    this.#show();
  }

  /** The entry that is picked; the newest until somebody picks one. */
  get entry() {
    return this.#entries.find(({ key }) => key === this.#picked) ?? this.#entries[0];
  }

  get colors() {
    return this.#entries.filter(({ color, result }) => color && result === "changed").map(({ color }) => color);
  }

  update(entries) {
    onNews(this.#card.$(".strip"), "entries", entries, () => {
      this.#entries = withKeys(entries);
      this.#draw();
      this.#show();
    });
  }

  /** Swatches stay the same elements, so that the focus stays on one while new ones come. */
  #draw() {
    const strip = this.#card.$(".strip");
    const old = this.#swatches;
    this.#swatches = new Map(this.#entries.map((entry) => [entry.key, old.get(entry.key) ?? this.#swatch(entry)]));
    for (const [key, swatch] of old) if (!this.#swatches.has(key)) swatch.remove();
    [...this.#swatches.values()].forEach((swatch, place) => {
      if (strip.children[place] !== swatch) strip.insertBefore(swatch, strip.children[place] ?? null);
    });
    while (strip.children.length > PLACES) strip.lastElementChild.remove();
    while (strip.children.length < PLACES) strip.append(make("span", "", { className: "place" }));
  }

  #swatch(entry) {
    const swatch = make("label", "", { className: `swatch ${entry.result}`, title: told(entry) });
    const radio = make("input", "", { type: "radio", name: `strip-${this.login}` });
    radio.setAttribute("aria-label", told(entry));
    radio.addEventListener("change", () => {
      this.#picked = entry.key;
      this.#show();
    });
    swatch.style.setProperty("--color", entry.color || "transparent");
    swatch.append(radio);
    return swatch;
  }

  #show() {
    const { entry } = this;
    const swatch = entry && this.#swatches.get(entry.key);
    if (swatch) swatch.firstElementChild.checked = true;
    write(this.#card.$(".picked-color"), entry ? entry.color || "no colour" : "None yet");
    write(this.#card.$(".picked-facts"), entry ? facts(entry) : "Write a message in chat.");
    this.#card.$(".picked .dot").style.backgroundColor = entry?.color ?? "";
    for (const button of [".again", ".copy"]) this.#card.$(button).disabled = !entry?.color;
    for (const button of [".copy-all", ".save-png", ".save-svg"]) this.#card.$(button).disabled = !this.colors.length;
  }

  #picture() {
    return pictureOf(this.login, [...this.colors].reverse());
  }

  async #copy(text) {
    this.#card.tell((await copy(text)) ? `copied: ${text}` : "the browser does not allow copying here");
  }
}

/** Give each entry a name that it keeps while newer ones come. */
function withKeys(entries) {
  const counts = new Map();
  return entries
    .toReversed()
    .map((entry) => {
      const name = `${entry.at} ${entry.color} ${entry.result}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
      return { ...entry, key: `${name} ${counts.get(name)}` };
    })
    .toReversed();
}

function told(entry) {
  return `${entry.color || "no colour"}, ${facts(entry)}`;
}

function facts({ at, channel, result, reason, seconds }) {
  const when = at ? `${time.format(new Date(at))}${channel ? ` in #${channel}` : ""}` : "before the start";
  const how = [RESULTS[result] ?? result, reason].filter(Boolean).join(": ");
  const after = seconds === null || how ? "" : `after ${seconds.toFixed(1)} s`;
  return [when, how, after].filter(Boolean).join(" · ");
}
