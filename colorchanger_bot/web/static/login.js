// Adding an account: a dialog with a code and its QR code, until somebody has entered it.

import { make, onNews, write } from "./dom.js";
import { ask } from "./net.js";
import { drawing } from "./qr.js";

const $ = (id) => document.getElementById(id);
const UNDER_WAY = ["asking", "waiting"];
let choose;
let isFirst = true;

export function prepareLogin(onAccount) {
  choose = onAccount;
  $("add-account").addEventListener("click", addAccount);
  $("first-account").addEventListener("click", addAccount);
  $("cancel-log-in").addEventListener("click", () => $("log-in").close());
  $("log-in").addEventListener("close", () => ask("/api/login", { method: "DELETE" }).catch(() => {}));
}

/** Begin to log an account in, one that is here already or another one. */
export async function addAccount() {
  display({ state: "asking", text: "Asking Twitch for a code …", code: "", url: "", purposes: [] });
  if (!$("log-in").open) $("log-in").showModal();
  const problem = await ask("/api/login", { method: "POST" }).then(() => "", (error) => error.message);
  if (problem) display({ state: "failed", text: problem, code: "", url: "", purposes: [] });
}

/** Show how a login goes; after a reload of the page it goes on. */
export function showLogin(login) {
  if (isFirst && login && UNDER_WAY.includes(login.state)) $("log-in").showModal();
  isFirst = false;
  onNews($("log-in"), "login", login, () => {
    if (!login || !$("log-in").open) return;
    display(login);
    if (login.login) choose(login.login);
  });
}

function display(login) {
  write($("log-in-text"), login.text);
  $("log-in-text").className = login.state;
  $("log-in-code").hidden = login.state !== "waiting";
  write($("cancel-log-in"), UNDER_WAY.includes(login.state) ? "Cancel" : "OK");
  write($("code"), login.code);
  $("log-in-url").href = login.url || "#";
  $("picture").replaceChildren(...(login.picture ? [drawing(login.picture)] : []));
  $("purposes").replaceChildren(...login.purposes.map((purpose) => make("li", purpose)));
}
