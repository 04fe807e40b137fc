// The page of a community: what the bot says of this visitor, and a preview of a name.

import { onNews, write } from "./dom.js";
import { prepareNamePreview } from "./name_preview.js";
import { ask } from "./net.js";
import { drawing } from "./qr.js";

const $ = (id) => document.getElementById(id);
const LOOK_MS = 1500;
const MOST_WAIT_MS = 30_000;
const MEMBER = ["joined", "lost"];
const member = $("member");
let again;
let wait = LOOK_MS;
let busy = false;
let last = null;

/** Show what the bot said; the buttons are those that lead on from there. */
function show(visit) {
  const { state } = (last = visit);
  member.dataset.state = state;
  write($("text"), visit.text);
  write($("member-title"), visit.title);
  onNews(member, "visit", visit, () => {
    $("code-card").hidden = state !== "waiting";
    write($("code"), visit.code);
    if (visit.url) $("open").href = visit.url;
    $("picture").replaceChildren(...(visit.picture ? [drawing(visit.picture)] : []));
    write($("join"), visit.button);
    $("join").hidden = !visit.button;
    $("join").disabled = false;
    $("leave").hidden = !MEMBER.includes(state);
    $("sure").hidden = true;
    if (visit.login) $("name").value = visit.login;
    $("name").dispatchEvent(new Event("input"));
    // It never shrinks again: what stands below must not move while somebody reads it.
    member.style.minHeight = `${member.offsetHeight}px`;
  });
  if (state === "waiting") lookSoon();
}

/** Ask how things are; not while something is being done, whose answer is newer. */
async function look() {
  clearTimeout(again);
  if (!busy) await tell("/join/state");
}

/** Do something; then the keyboard's place is where the answer stands, if its button is gone. */
async function act(path) {
  clearTimeout(again);
  busy = true;
  await tell(path, { method: "POST" });
  busy = false;
  const at = document.activeElement;
  if (at === document.body || at.closest("[hidden]")) $("text").focus();
}

async function tell(path, options) {
  try {
    const visit = await ask(path, options);
    wait = LOOK_MS;
    document.querySelector('meta[name="csrf"]').content = visit.csrf;
    show(visit);
  } catch (error) {
    onNews(member, "visit", null, () => {});
    if (last) show(last);
    if (member.dataset.state !== "waiting") member.dataset.state = "ended";
    write($("text"), error.message);
  }
}

/** Make room for the code at once: when it comes, nothing moves. */
function askForCode() {
  write($("text"), "Asking Twitch for a code …");
  $("join").disabled = true;
  $("open").removeAttribute("href");
  write($("code"), "");
  $("picture").replaceChildren();
  $("code-card").hidden = false;
}

function lookSoon() {
  clearTimeout(again);
  again = setTimeout(look, wait);
  wait = Math.min(wait * 1.1, MOST_WAIT_MS);
}

$("join").addEventListener("click", () => {
  askForCode();
  act("/join/start");
});
$("cancel").addEventListener("click", () => act("/join/cancel"));
$("leave").addEventListener("click", () => {
  $("sure").hidden = false;
  $("no").focus();
});
$("no").addEventListener("click", () => {
  $("sure").hidden = true;
  $("leave").focus();
});
$("yes").addEventListener("click", () => act("/join/leave"));
$("leave-elsewhere").addEventListener("click", () => {
  member.scrollIntoView({ block: "nearest" });
  if (MEMBER.includes(member.dataset.state)) return $("leave").click();
  askForCode();
  act("/join/leave");
});
// Whoever comes back from Twitch's page wants to know at once.
document.addEventListener("visibilitychange", () => document.hidden || look());
prepareNamePreview();
look();
