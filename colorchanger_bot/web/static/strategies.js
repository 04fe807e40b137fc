// The strategies as tiles with their next colours: one is tried on first, and used when somebody says so.

import { calm, make, onNews, write } from "./dom.js";
import { ask } from "./net.js";

const ON_A_TILE = 8;
const STRATEGIES = {
  random: { about: "Any readable colour, clearly different each time." },
  rainbow: { about: "Around the colour wheel.", more: "Degrees", hint: "15 reverse" },
  palette: { about: "Your own colours, one after another.", more: "Colours", hint: "hot pink, #ff8800" },
  gradient: { about: "From one colour to the next, and back.", more: "Colours" },
  shades: { about: "Lighter and darker shades of one colour.", more: "Colour" },
  presets: { about: "Twitch's own colour names, for accounts without Turbo or Prime." },
  daily: { about: "One colour a day; with “clock”, one that follows the time of day.", more: "day or clock", hint: "day" },
  standout: { about: "As different as possible from the people who chatted last." },
};

export class Strategies {
  #card;
  #known = new Map();
  #inUse = "";
  #taken = "";
  #asked = 0;

  constructor(card, suggestions) {
    this.#card = card;
    card.$(".tiles").append(...Object.keys(STRATEGIES).map((name) => this.#tile(name)));
    card.onSubmit(".strategies", () => card.say((this.#taken = this.#command)));
    card.$(".words").addEventListener("input", calm(() => this.#tryOn()));
    this.#take(suggestions);
  }

  /** Follow what is in use; what somebody tries on stays. */
  update(painter, held) {
    const shape = [painter.strategy, painter.colors, painter.base, painter.step, painter.reverse, painter.period, painter.namesOnly];
    onNews(this.#card.$(".tiles"), "strategy", shape, async () => {
      const isFirst = !this.#card.$(".tiles :checked");
      const isTrying = !isFirst && ![this.#inUse, this.#taken].includes(this.#command);
      for (const tile of this.#card.$(".tiles").children) {
        tile.classList.toggle("in-use", tile.dataset.name === painter.strategy);
      }
      if (!isFirst || !this.#known.size) this.#take(await ask(`${this.#card.path}/strategies`).catch(() => []));
      this.#inUse = this.#commandOf(painter.strategy);
      if (!isTrying || this.#command === this.#inUse) this.#choose(painter.strategy in STRATEGIES ? painter.strategy : "random");
      this.#offer();
    });
    onNews(this.#card.$(".use"), "held", held, () => this.#offer(held));
  }

  #tile(name) {
    const tile = make("label", "", { className: "tile" });
    const radio = make("input", "", { type: "radio", name: `strategy-${this.#card.login}`, value: name });
    radio.addEventListener("change", () => this.#choose(name));
    tile.dataset.name = name;
    const colors = make("span", "", { className: "tile-colors", ariaHidden: "true" });
    tile.append(radio, colors, make("span", name, { className: "tile-name" }));
    return tile;
  }

  /** Take over what the bot suggests. */
  #take(suggestions) {
    for (const each of suggestions) {
      this.#known.set(each.name, each);
      const tile = this.#card.$(`.tile[data-name="${each.name}"] .tile-colors`);
      tile?.replaceChildren(
        ...each.colors.slice(0, ON_A_TILE).map((color) => {
          const swatch = make("i");
          swatch.style.backgroundColor = color;
          return swatch;
        }),
      );
    }
  }

  #choose(name) {
    const { about, more, hint } = STRATEGIES[name];
    this.#card.$(`.tile[data-name="${name}"] input`).checked = true;
    write(this.#card.$(".about"), about);
    this.#card.$(".more").hidden = !more;
    write(this.#card.$(".more-label"), more ?? "");
    Object.assign(this.#card.$(".words"), { value: this.#known.get(name)?.words ?? "", placeholder: hint ?? "" });
    this.#asked += 1; // an answer about what was chosen before no longer counts
    if (this.#known.has(name)) this.#show(this.#known.get(name).colors, "");
    this.#offer();
  }

  get #chosen() {
    return this.#card.$(".tiles :checked")?.value ?? "";
  }

  get #command() {
    return STRATEGIES[this.#chosen]?.more ? `${this.#chosen} ${this.#card.$(".words").value}`.trim() : this.#chosen;
  }

  #commandOf(name) {
    return `${name} ${this.#known.get(name)?.words ?? ""}`.trim();
  }

  async #tryOn() {
    this.#offer();
    const number = ++this.#asked;
    const query = new URLSearchParams({ text: this.#command });
    const { rows, problem } = await ask(`${this.#card.path}/preview?${query}`).catch((error) => ({ rows: [], problem: error.message }));
    if (number === this.#asked) this.#show(rows.map(({ hex }) => hex), problem);
  }

  #show(colors, problem) {
    this.#card.$(".preview-problem").hidden = !problem;
    write(this.#card.$(".preview-problem"), problem);
    const box = this.#card.$(".preview");
    box.setAttribute("aria-label", `The next ${colors.length} colours: ${colors.join(", ")}`);
    box.replaceChildren(...["dark", "light"].map((ground) => this.#ground(ground, colors)));
  }

  #ground(ground, colors) {
    const box = make("div", "", { className: `ground ${ground}` });
    for (const color of colors) {
      const name = make("b", this.#card.login, { title: color });
      name.style.color = color;
      box.append(name, " ");
    }
    return box;
  }

  #offer(held = this.#card.account?.held) {
    const isInUse = !held && this.#command === this.#inUse;
    const button = this.#card.$(".use");
    write(button, isInUse ? "In use" : `Use ${this.#chosen}`);
    button.disabled = isInUse;
  }
}
