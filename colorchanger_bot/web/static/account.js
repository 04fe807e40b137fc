// The account that is shown: made once, then kept up to date, so that focus and what is typed stay.

import { make, onNews, write } from "./dom.js";
import { addAccount } from "./login.js";
import { ask } from "./net.js";
import { Strategies } from "./strategies.js";
import { Strip } from "./strip.js";

const READABLE = 3;
const ANSWER_MS = 6000;
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

export class AccountCard {
  constructor(login, strategies) {
    this.login = login;
    this.path = `/api/accounts/${encodeURIComponent(login)}`;
    this.element = document.getElementById("account").content.cloneNode(true).firstElementChild;
    const title = this.$(".login");
    title.id = `account-${login}`;
    this.element.setAttribute("aria-labelledby", title.id);
    write(title, login);
    for (const name of this.element.querySelectorAll(".name")) {
      write(name, login);
      name.style.setProperty("--length", Math.max(login.length, 4));
    }
    this.strip = new Strip(this, login);
    this.strategies = new Strategies(this, strategies);
    this.#listen();
  }

  $(selector) {
    return this.element.querySelector(selector);
  }

  update(account) {
    this.account = account;
    const { painter } = account;
    write(this.$(".state"), account.state);
    this.$(".state").dataset.state = account.state;
    const trouble = account.reason && `${account.reason}${account.advice && !account.needsLogin ? ` – ${account.advice}` : ""}`;
    onNews(this.$(".trouble"), "text", [trouble, account.needsLogin], () => this.#trouble(trouble));
    this.$(".left-out").hidden = !account.repliesLeftOut;
    write(this.$(".left-out-count"), account.repliesLeftOut);
    write(this.$(".messages"), account.messages);
    write(this.$(".changes"), account.changes);
    onNews(this.$(".channels"), "list", account.channels, (channels) => this.#channels(channels));
    onNews(this.$(".budget"), "left", account.budget, (budget) => this.#budget(budget));
    if (account.log) onNews(this.$(".log"), "lines", account.log, (log) => this.#log(log));
    this.$("fieldset").disabled = !painter;
    if (painter) this.#painter(painter);
  }

  /** Without a connection, nobody knows how the account is doing. */
  lose() {
    write(this.$(".state"), "not known now");
    this.$(".state").dataset.state = "";
  }

  #painter(painter) {
    const { held } = this.account;
    this.$(".switch").setAttribute("aria-checked", painter.enabled);
    write(this.$(".strategy"), held ? `held at ${held}` : painter.strategy);
    write(this.$(".keep"), held ? "Change it again" : "Keep this colour");
    this.$(".names-only").hidden = !painter.namesOnly;
    write(this.$(".suiting"), `${painter.names} of them suit the theme setting.`);
    onNews(this.element, "color", painter.color, (color) => this.#color(color));
    if (painter.strip) this.strip.update(painter.strip);
    onNews(this.element, "delay", painter.delay, ([least, most]) => {
      this.$(".least").value = least;
      this.$(".most").value = most;
    });
    this.strategies.update(painter, held);
  }

  #trouble(text) {
    const box = this.$(".trouble");
    box.hidden = !text;
    box.replaceChildren(text);
    if (!this.account.needsLogin) return;
    const button = make("button", "Log in again", { type: "button" });
    button.addEventListener("click", addAccount);
    box.append(" ", button);
  }

  #color(color) {
    for (const name of this.element.querySelectorAll(".name")) name.style.color = color?.hex ?? "";
    const called = color && (color.name ? `${color.name} ${color.hex}` : color.hex);
    for (const [ground, key] of [["dark", "onDark"], ["light", "onLight"]]) {
      write(this.$(`.${ground} .facts`), color ? `${called} · ${contrast(color[key])}` : "colour not known yet");
    }
    if (color && !this.$(".pick").contains(document.activeElement)) {
      this.$(".wheel").value = this.$(".typed").value = color.hex.toLowerCase();
    }
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

  #log(lines) {
    const items = lines.map(({ at, text, color }) => {
      const item = make("li");
      const dot = make("span", "", { className: "dot" });
      dot.style.backgroundColor = color;
      dot.classList.toggle("none", !color);
      item.append(make("time", clock.format(new Date(at)), { dateTime: at }), dot, make("span", text));
      return item;
    });
    const none = "Nothing yet. Write a message in chat, and you see here what happens to your name.";
    this.$(".log").replaceChildren(...(items.length ? items : [make("li", none, { className: "quiet" })]));
  }

  #listen() {
    for (const button of this.element.querySelectorAll("[data-say]")) {
      button.addEventListener("click", () => this.say(button.dataset.say));
    }
    this.$(".switch").addEventListener("click", () => this.say(this.account.painter.enabled ? "off" : "on"));
    this.$(".keep").addEventListener("click", () => this.say(this.account.held ? "on" : "keep"));
    this.$(".wheel").addEventListener("input", (event) => (this.$(".typed").value = event.target.value));
    this.onSubmit(".pick", () => this.say(`set ${this.$(".typed").value}`));
    this.onSubmit(".delay", () => this.say(`delay ${this.$(".least").value} ${this.$(".most").value}`));
  }

  onSubmit(form, work) {
    this.$(form).addEventListener("submit", (event) => {
      event.preventDefault();
      work();
    });
  }

  /** Do what the chat command would do, and show the answer. */
  async say(text) {
    try {
      this.tell((await ask(`${this.path}/command`, { method: "POST", text })).answer);
    } catch (error) {
      this.tell(error.message);
    }
  }

  /** Say something for a moment; a screen reader speaks it. */
  tell(text) {
    const answer = this.$(".answer");
    write(answer, text);
    answer.classList.add("shown");
    clearTimeout(this.telling);
    this.telling = setTimeout(() => answer.classList.remove("shown"), ANSWER_MS);
  }
}

/** A contrast as people write it, such as "4.1:1, readable". */
function contrast(ratio) {
  return `${ratio}:1, ${ratio >= READABLE ? "readable" : "hard to read"}`;
}
