// The health panel: what `colorchanger doctor` finds.

import { make, onNews, write } from "./dom.js";
import { ask } from "./net.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 3000;
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
let again;

export function prepareHealth() {
  $("check").addEventListener("click", check);
  check();
}

/** Look again when an account or a channel is doing better or worse than before. */
export function followHealth(accounts) {
  const states = accounts.map(({ login, state, channels }) => [login, state, channels.map((each) => [each.login, each.state])]);
  onNews($("health"), "states", states, () => {
    clearTimeout(again);
    again = setTimeout(check, AGAIN_MS);
  });
}

async function check() {
  clearTimeout(again);
  $("check").disabled = true;
  try {
    const { at, verdict, findings } = await ask("/api/checkup");
    write($("verdict"), verdict[0].toUpperCase() + verdict.slice(1) + ".");
    $("findings").replaceChildren(...findings.map(line));
    write($("checked-at"), `Checked at ${time.format(new Date(at))}.`);
    if (findings.some(({ level }) => level === "waiting")) again = setTimeout(check, AGAIN_MS);
  } catch (error) {
    write($("verdict"), error.message);
  } finally {
    $("check").disabled = false;
  }
}

function line({ about, level, text, cure, action }) {
  const item = make("li", "", { className: level });
  item.append(make("span", level, { className: "level" }), make("b", about), `: ${text}`);
  if (action === "log_in") {
    const button = make("button", "Log in", { type: "button" });
    button.addEventListener("click", () => $("start-log-in").click());
    item.append(" ", button);
  } else if (cure) {
    item.append(` – ${cure}`);
  }
  return item;
}
