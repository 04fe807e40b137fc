// Whether all is well, as `colorchanger doctor` finds it: one line, with the problems below it and the rest folded.

import { make, onNews, write } from "./dom.js";
import { addAccount } from "./login.js";
import { ask } from "./net.js";

const $ = (id) => document.getElementById(id);
const AGAIN_MS = 3000;
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
let again;
let shown = ""; // the account whose trouble its own card shows
let latest = null; // what was found the last time
let ofFile = []; // what is wrong with the settings file

export function prepareHealth(latest) {
  $("check").addEventListener("click", check);
  $("show-findings").addEventListener("click", () => {
    const isOpen = $("findings").hidden;
    $("findings").hidden = !isOpen;
    $("show-findings").setAttribute("aria-expanded", isOpen);
  });
  if (latest?.findings) show(latest);
}

/** Show what is wrong with the settings file: the bot says so by itself, as soon as it has read it. */
export function followFile(problems) {
  onNews($("file-problems"), "list", problems, () => {
    ofFile = problems;
    $("file-problems").hidden = problems.length === 0;
    const lines = problems.map((text) => make("li", text, { className: "wrong" }));
    lines[0]?.prepend(make("b", "The settings file has a mistake; what was set before stays in force:"), " ");
    $("file-problems").replaceChildren(...lines);
    judge();
  });
}

/** Look again when an account or a channel is doing better or worse than before; at once the first time. */
export function followHealth(accounts, chosen) {
  const { login, reason } = accounts.find((account) => account.login === chosen) ?? {};
  shown = reason ? login : "";
  sift();
  const states = accounts.map(({ login, state, channels }) => [login, state, channels.map((each) => [each.login, each.state])]);
  onNews($("health"), "states", states, () => {
    clearTimeout(again);
    again = setTimeout(check, latest ? AGAIN_MS : 0);
  });
}

async function check() {
  clearTimeout(again);
  $("check").disabled = true;
  try {
    show(await ask("/api/checkup"));
  } catch (error) {
    write($("verdict"), error.message);
    $("health").dataset.level = "waiting";
  } finally {
    $("check").disabled = false;
  }
}

function show({ at, findings }) {
  latest = findings;
  const { wrong, waiting } = judge();
  onNews($("problems"), "list", wrong, () => $("problems").replaceChildren(...wrong.map(line)));
  sift();
  const rest = findings.filter(({ level }) => level !== "wrong");
  onNews($("findings"), "list", rest, () => $("findings").firstElementChild.replaceChildren(...rest.map(line)));
  write($("checked-at"), `Checked at ${time.format(new Date(at))}`);
  if (waiting.length) again = setTimeout(check, AGAIN_MS);
}

/** Say in one line how all is. */
function judge() {
  const wrong = (latest ?? []).filter(({ level }) => level === "wrong");
  const waiting = (latest ?? []).filter(({ level }) => level === "waiting");
  const off = (latest ?? []).filter(({ action }) => action === "turn_on" || action === "change_settings");
  if (latest || ofFile.length) {
    $("health").dataset.level = wrong.length || ofFile.length ? "wrong" : waiting.length ? "waiting" : "fine";
    write($("verdict"), verdict(wrong.length + ofFile.length, waiting, off));
  }
  return { wrong, waiting };
}

/** Leave out of the list what is said below it anyway. */
function sift() {
  for (const problem of $("problems").children) problem.hidden = problem.dataset.about === shown;
  $("problems").hidden = ![...$("problems").children].some((problem) => !problem.hidden);
}

function verdict(wrong, waiting, off) {
  const names = (found) => [...new Set(found.map(({ about }) => about))].join(", ");
  if (wrong) return `${wrong === 1 ? "One thing needs" : `${wrong} things need`} you`;
  if (waiting.length) return `One moment: ${names(waiting)}`;
  return off.length ? `All is well; switched off: ${names(off)}` : "All is well";
}

function line({ about, level, text, cure, action }) {
  const item = make("li", "", { className: level });
  item.dataset.about = about;
  item.append(make("b", about), ` ${text}`);
  if (action === "log_in") {
    const button = make("button", "Log in", { type: "button" });
    button.addEventListener("click", addAccount);
    item.append(" ", button);
  } else if (cure) {
    item.append(` – ${cure}`);
  }
  return item;
}
