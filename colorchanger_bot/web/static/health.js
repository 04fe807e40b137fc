// The health panel: what `colorchanger doctor` finds.

import { make, write } from "./dom.js";
import { ask } from "./net.js";

const $ = (id) => document.getElementById(id);
const LEVELS = { fine: "fine", note: "note", wrong: "wrong" };
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export function prepareHealth() {
  $("check").addEventListener("click", check);
  check();
}

async function check() {
  $("check").disabled = true;
  try {
    const { at, verdict, findings } = await ask("/api/checkup");
    write($("verdict"), verdict[0].toUpperCase() + verdict.slice(1) + ".");
    $("findings").replaceChildren(...findings.map(line));
    write($("checked-at"), `Checked at ${time.format(new Date(at))}, at most once a minute.`);
  } catch (error) {
    write($("verdict"), error.message);
  } finally {
    $("check").disabled = false;
  }
}

function line({ about, level, text, cure }) {
  const item = make("li", "", { className: level });
  item.append(make("span", LEVELS[level], { className: "level" }), make("b", about), `: ${text}${cure ? ` – ${cure}` : ""}`);
  return item;
}
