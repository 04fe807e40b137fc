// One account's card: made once, then kept up to date, so that focus and open parts stay.

import { calm, make, onNews, write } from "./dom.js";
import { ask } from "./net.js";

const RESULTS = {
  changed: "changed",
  unknown: "no answer",
  rejected: "refused",
  login: "needs login",
  unavailable: "failed",
};
const STRATEGIES = {
  random: { about: "Any readable colour, clearly different each time." },
  rainbow: { about: "Around the colour wheel.", more: "Degrees, reverse", example: "", hint: "15 reverse" },
  palette: { about: "Your own colours, one after another.", more: "Colours", example: "hot pink, #ff8800, dodger blue" },
  gradient: { about: "From one colour to the next and back.", more: "Colours", example: "red, blue" },
  shades: { about: "Lighter and darker shades of one colour.", more: "Colour", example: "dodger blue" },
  presets: { about: "Twitch's own colour names, for accounts without Turbo or Prime: of the 15, those that suit the theme setting (7 on both themes)." },
  daily: { about: "One colour a day; with “clock” it follows the time of day.", more: "day or clock", example: "day" },
  standout: { about: "As different as possible from the people who chatted last." },
};
const READABLE = 3;
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export class AccountCard {
  constructor(login) {
    this.login = login;
    this.element = document.getElementById("account").content.cloneNode(true).firstElementChild;
    const id = `account-${login}`;
    this.element.setAttribute("aria-labelledby", id);
    this.$(".login").id = id;
    write(this.$(".login"), login);
    for (const name of this.$$(".name")) write(name, login);
    this.#listen();
  }

  $(selector) {
    return this.element.querySelector(selector);
  }

  $$(selector) {
    return this.element.querySelectorAll(selector);
  }

  update(account) {
    this.account = account;
    const { painter } = account;
    write(this.$(".state"), account.state);
    this.$(".state").dataset.state = account.state;
    const trouble = account.reason && `${account.reason}${account.advice ? ` – ${account.advice}` : ""}`;
    onNews(this.$(".trouble"), "text", [trouble, account.needsLogin], () => this.#trouble(trouble));
    this.$(".left-out").hidden = !account.repliesLeftOut;
    write(this.$(".left-out-count"), account.repliesLeftOut);
    write(this.$(".messages"), account.messages);
    write(this.$(".changes"), account.changes);
    onNews(this.$(".channels"), "list", account.channels, (channels) => this.#channels(channels));
    onNews(this.$(".budget"), "left", account.budget, (budget) => this.#budget(budget));
    for (const control of this.$$("button, input, select")) {
      if (!control.dataset.always) control.disabled = !painter;
    }
    if (painter) this.#painter(painter);
  }

  #painter(painter) {
    this.$(".switch").setAttribute("aria-checked", painter.enabled);
    const { held } = this.account;
    write(this.$(".strategy"), held ? `held at ${held}` : painter.strategy);
    this.$(".names-only").hidden = !painter.namesOnly;
    write(this.$(".suiting"), `${painter.names} of them suit the theme setting.`);
    onNews(this.element, "color", painter.color, (color) => this.#color(color));
    onNews(this.element, "strip", painter.strip, (strip) => this.#strip(strip));
    onNews(this.element, "delay", painter.delay, ([least, most]) => {
      this.$(".least").value = least;
      this.$(".most").value = most;
    });
    onNews(this.element, "strategy", painter.strategy, (strategy) => {
      if (strategy in STRATEGIES) this.$(".which").value = strategy;
      this.#choose();
    });
  }

  #trouble(text) {
    const box = this.$(".trouble");
    box.hidden = !text;
    box.replaceChildren(text);
    if (this.account.needsLogin) {
      const button = make("button", "Log in again", { type: "button" });
      button.dataset.always = "yes";
      button.addEventListener("click", () => document.getElementById("start-log-in").click());
      box.append(" ", button);
    }
  }

  #color(color) {
    for (const name of this.$$(".name")) name.style.color = color?.hex ?? "";
    const called = color && (color.name ? `${color.name} ${color.hex}` : color.hex);
    for (const [ground, key] of [["dark", "onDark"], ["light", "onLight"]]) {
      write(this.$(`.${ground} .facts`), color ? `${called} · ${contrast(color[key])}` : "colour not known yet");
    }
    if (color && !this.$(".pick").contains(document.activeElement)) {
      this.$(".wheel").value = this.$(".typed").value = color.hex.toLowerCase();
    }
  }

  #strip(strip) {
    this.$(".strip").replaceChildren(...strip.map(swatch));
    this.$("tbody").replaceChildren(...strip.map(tableRow));
    if (!strip.length) this.$(".strip").append(make("li", "None yet: send a message in chat.", { className: "quiet" }));
  }

  #channels(channels) {
    const items = channels.map((channel) => {
      const item = make("li", "", { className: channel.state });
      item.append(make("b", `#${channel.login}`), ` ${channel.text}`);
      return item;
    });
    this.$(".channels").replaceChildren(...(items.length ? items : [make("li", "none yet", { className: "quiet" })]));
  }

  #budget(budget) {
    this.$(".budget").hidden = !budget;
    if (!budget) return;
    write(this.$(".left"), `${budget.remaining} of ${budget.limit}`);
    Object.assign(this.$("meter"), { max: budget.limit, low: budget.limit / 10, optimum: budget.limit, value: budget.remaining });
  }

  #listen() {
    for (const button of this.$$("[data-say]")) {
      button.addEventListener("click", () => this.say(button.dataset.say));
    }
    this.$(".switch").addEventListener("click", () => this.say(this.account.painter.enabled ? "off" : "on"));
    this.$(".wheel").addEventListener("input", (event) => (this.$(".typed").value = event.target.value));
    this.#onSubmit(".pick", () => this.say(`set ${this.$(".typed").value}`));
    this.#onSubmit(".delay", () => this.say(`delay ${this.$(".least").value} ${this.$(".most").value}`));
    this.#onSubmit(".strategies", () => this.say(this.#command()));
    this.$(".which").addEventListener("change", () => this.#choose());
    this.$(".words").addEventListener("input", calm(() => this.#preview()));
    this.$(".plan").addEventListener("toggle", () => this.#preview());
  }

  #onSubmit(form, work) {
    this.$(form).addEventListener("submit", (event) => {
      event.preventDefault();
      work();
    });
  }

  async say(text) {
    const answer = this.$(".answer");
    try {
      write(answer, "…");
      write(answer, (await ask(`/api/accounts/${encodeURIComponent(this.login)}/command`, { method: "POST", text })).answer);
    } catch (error) {
      write(answer, error.message);
    }
  }

  #command() {
    const chosen = this.$(".which").value;
    return STRATEGIES[chosen].more ? `${chosen} ${this.$(".words").value}`.trim() : chosen;
  }

  #choose() {
    const { about, more, example, hint } = STRATEGIES[this.$(".which").value];
    const { painter } = this.account;
    write(this.$(".about"), about);
    this.$(".more").hidden = !more;
    write(this.$(".more-label"), more ?? "");
    const own = { palette: painter.colors.join(", "), gradient: painter.colors.join(", "), shades: painter.base };
    const known = painter.strategy === this.$(".which").value && own[painter.strategy];
    Object.assign(this.$(".words"), { value: known || (example ?? ""), placeholder: hint ?? "" });
    this.#preview();
  }

  async #preview() {
    if (!this.$(".plan").open) return;
    const text = this.#command();
    const query = new URLSearchParams({ text });
    const { rows, problem } = await ask(`/api/accounts/${encodeURIComponent(this.login)}/preview?${query}`).catch(
      (error) => ({ rows: [], problem: error.message }),
    );
    if (text !== this.#command()) return;
    this.$(".preview-problem").hidden = !problem;
    write(this.$(".preview-problem"), problem);
    this.$(".preview").setAttribute("aria-label", `The next ${rows.length} colours: ${rows.map((row) => row.hex).join(", ")}`);
    this.$(".preview").replaceChildren(...["dark", "light"].map((ground) => this.#ground(ground, rows)));
  }

  #ground(ground, rows) {
    const box = make("div", "", { className: `ground ${ground}` });
    for (const row of rows) {
      const name = make("b", this.login, { title: row.hex });
      name.style.color = row.hex;
      box.append(name, " ");
    }
    return box;
  }
}

/** A contrast as people write it, such as "4.1:1, readable". */
function contrast(ratio) {
  return `${ratio}:1, ${ratio >= READABLE ? "readable" : "hard to read"}`;
}

function spoken(entry) {
  const when = entry.at ? time.format(new Date(entry.at)) : "before the start";
  const result = RESULTS[entry.result] ?? entry.result;
  return `${entry.color || "no colour"}, ${result}, ${when}${entry.reason ? `: ${entry.reason}` : ""}`;
}

function swatch(entry) {
  const item = make("li", "", { title: spoken(entry), className: entry.result });
  item.append(make("span", spoken(entry), { className: "spoken" }));
  if (entry.color) item.style.backgroundColor = entry.color;
  return item;
}

function tableRow(entry) {
  const row = make("tr");
  const color = make("td", entry.color || "–");
  const dot = make("span", "", { className: "dot" });
  if (entry.color) dot.style.backgroundColor = entry.color;
  color.prepend(dot);
  const result = RESULTS[entry.result] ?? entry.result;
  row.append(
    make("td", entry.at ? time.format(new Date(entry.at)) : "earlier"),
    color,
    make("td", entry.reason ? `${result}: ${entry.reason}` : result),
    make("td", entry.seconds === null ? "–" : `${entry.seconds.toFixed(2)} s`),
  );
  return row;
}
