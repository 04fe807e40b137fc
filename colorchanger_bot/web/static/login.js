// Logging an account in: shows a code and its QR code until somebody has entered it.

import { make, onNews, write } from "./dom.js";
import { ask } from "./net.js";
import { drawing } from "./qr.js";

const $ = (id) => document.getElementById(id);

export function prepareLogin() {
  $("start-log-in").addEventListener("click", async () => {
    const problem = await ask("/api/login", { method: "POST" }).then(() => "", (error) => error.message);
    if (problem) showLogin({ state: "failed", text: problem, code: "", url: "", purposes: [] });
    $("log-in").scrollIntoView({ block: "nearest" });
  });
  $("cancel-log-in").addEventListener("click", async () => {
    await ask("/api/login", { method: "DELETE" }).catch(() => {});
    showLogin(null);
    $("start-log-in").focus();
  });
}

export function showLogin(login) {
  onNews($("log-in"), "login", login, () => {
    $("log-in-start").hidden = Boolean(login);
    $("log-in-progress").hidden = !login;
    if (!login) return;
    write($("log-in-text"), login.text);
    $("log-in-text").className = login.state;
    $("log-in-code").hidden = login.state !== "waiting";
    write($("cancel-log-in"), login.state === "waiting" || login.state === "asking" ? "Cancel" : "OK");
    write($("code"), login.code);
    $("log-in-url").href = login.url || "#";
    $("picture").replaceChildren(...(login.picture ? [drawing(login.picture)] : []));
    $("purposes").replaceChildren(...login.purposes.map((purpose) => make("li", purpose)));
  });
}
