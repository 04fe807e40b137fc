// All accounts at a glance, where there are several; one of them is picked.

import { make, onNews, write } from "./dom.js";

const $ = (id) => document.getElementById(id);
const MANY = 8;
const rows = new Map();
let pick;

export function preparePicker(onPick) {
  pick = onPick;
  $("picker-find").addEventListener("input", find);
  for (const row of $("picker-list").children) adopt(row, row.dataset.login); // those that came with the page
}

export function showPicker(accounts, chosen) {
  $("picker").hidden = accounts.length < 2;
  if ($("picker").hidden) return;
  write($("picker-count"), accounts.length);
  $("picker-search").hidden = accounts.length <= MANY;
  const known = new Set(accounts.map(({ login }) => login));
  for (const [login, row] of rows) {
    if (known.has(login)) continue;
    row.remove();
    rows.delete(login);
  }
  for (const account of accounts) {
    const row = rows.get(account.login) ?? addRow(account.login);
    onNews(row, "account", [account.state, account.painter?.color], () => update(row, account));
    row.firstElementChild.setAttribute("aria-current", account.login === chosen);
  }
  find();
}

function addRow(login) {
  const row = make("li");
  const button = make("button", "", { type: "button" });
  button.append(make("b", login), make("span", "", { className: "row-state" }));
  row.append(button);
  $("picker-list").append(row);
  return adopt(row, login);
}

function adopt(row, login) {
  row.firstElementChild.addEventListener("click", () => pick(login));
  rows.set(login, row);
  return row;
}

function update(row, { state, painter }) {
  // A name may be hard to read in its own colour: the colour stands beside it.
  row.style.setProperty("--color", painter?.color?.hex ?? "transparent");
  const words = row.querySelector(".row-state");
  write(words, state);
  words.dataset.state = state;
}

function find() {
  const wanted = $("picker-search").hidden ? "" : $("picker-find").value.trim().toLowerCase();
  let found = 0;
  for (const [login, row] of rows) {
    row.hidden = !login.includes(wanted);
    found += !row.hidden;
  }
  $("picker-none").hidden = found > 0;
}
