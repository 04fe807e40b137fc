// The members of a community: a page of them at a time, kept up to date while it is looked at.

import { calm, make, onNews, write } from "./dom.js";
import { ask } from "./net.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 5000;
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const rows = new Map();
let page = 1;
let again;
let asked = 0;

export function prepareMembers() {
  $("find").addEventListener("input", calm(() => turn(1)));
  $("members-find").addEventListener("submit", (event) => event.preventDefault());
  $("before").addEventListener("click", () => turn(page - 1));
  $("after").addEventListener("click", () => turn(page + 1));
  document.addEventListener("visibilitychange", () => document.hidden || look());
  look();
}

function turn(to) {
  page = to;
  look();
}

async function look() {
  clearTimeout(again);
  const number = ++asked;
  const query = new URLSearchParams({ query: $("find").value, page });
  try {
    const found = await ask(`/api/members?${query}`);
    if (number === asked) show(found);
  } catch (error) {
    if (number === asked) write($("members-sums"), error.message);
  }
  if (number === asked && !document.hidden) again = setTimeout(look, AGAIN_MS);
}

function show(found) {
  page = found.page;
  write($("members-sums"), found.sums);
  const known = new Set(found.rows.map((member) => member.id));
  for (const [id, row] of rows) {
    if (known.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  found.rows.forEach((member, place) => {
    const row = rows.get(member.id) ?? rows.set(member.id, new Row(member)).get(member.id);
    row.update(member);
    const list = $("members-list");
    if (list.children[place] !== row.element) list.insertBefore(row.element, list.children[place] ?? null);
  });
  $("members-none").hidden = found.rows.length > 0;
  write($("members-none"), found.total ? "No member has this in the name." : "Nobody has joined yet.");
  write($("members-page"), `${found.found} found, page ${found.page} of ${found.pages}`);
  $("before").disabled = found.page <= 1;
  $("after").disabled = found.page >= found.pages;
}

class Row {
  constructor({ id, login }) {
    this.element = $("member").content.cloneNode(true).firstElementChild;
    const path = `/api/members/${encodeURIComponent(id)}`;
    write(this.$(".member-name"), login);
    this.$(".switch").setAttribute("aria-label", `New colours for ${login}`);
    this.$(".remove").setAttribute("aria-label", `Remove ${login}`);
    this.$(".switch").addEventListener("click", () => this.#change(`${path}/enabled`, { method: "PUT", json: !this.isOn }));
    this.$(".remove").addEventListener("click", () => {
      if (confirm(`Remove ${login}, and delete everything about this member here?`)) this.#change(path, { method: "DELETE" });
    });
  }

  $(selector) {
    return this.element.querySelector(selector);
  }

  update(member) {
    this.isOn = member.isOn;
    onNews(this.element, "member", member, () => {
      write(this.$(".member-name"), member.login);
      this.$(".dot").style.backgroundColor = member.color;
      this.$(".dot").title = member.color;
      write(this.$(".member-state"), member.reason ? `${member.state}: ${member.reason}` : member.state);
      this.$(".member-state").dataset.state = member.state;
      write(this.$(".member-changed"), changed(member.changed));
      this.$(".switch").setAttribute("aria-checked", member.isOn);
    });
  }

  async #change(path, options) {
    const problem = await ask(path, options).then(() => "", (error) => error.message);
    await look();
    write($("members-answer"), problem);
    if (!this.element.isConnected) $("find").focus();
  }
}

/** When a colour changed: the time today, else the day. */
function changed(at) {
  if (!at) return "none yet";
  const day = date.format(new Date(at));
  return day === date.format(new Date()) ? time.format(new Date(at)) : day;
}
