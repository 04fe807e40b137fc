// Logging an account in: shows a code and its QR code until somebody has entered it.

import { make, onNews, write } from "./dom.js";
import { ask } from "./net.js";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

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

function drawing({ size, path }) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "QR code of the Twitch page");
  const ground = document.createElementNS(SVG, "rect");
  for (const [name, value] of [["width", size], ["height", size], ["fill", "#ffffff"]]) ground.setAttribute(name, value);
  const bars = document.createElementNS(SVG, "path");
  bars.setAttribute("d", path);
  bars.setAttribute("fill", "#000000");
  svg.append(ground, bars);
  return svg;
}
