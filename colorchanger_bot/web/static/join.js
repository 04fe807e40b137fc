// The page of a community: what the bot says of this visitor, and a preview of a name.

import { onNews, write } from "./dom.js";
import { prepareNamePreview } from "./name_preview.js";
import { ask } from "./net.js";
import { drawing } from "./qr.js";

const $ = (id) => document.getElementById(id);
const LOOK_MS = 1500;
const MOST_WAIT_MS = 30_000;
const member = $("member");
let again;
let wait = LOOK_MS;

/** Show what the bot said; the buttons are those that lead on from there. */
function show(visit) {
  const { state } = visit;
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
    $("leave").hidden = state !== "joined";
    $("sure").hidden = true;
    if (visit.login) $("name").value = visit.login;
    $("name").dispatchEvent(new Event("input"));
    // It never shrinks again: what stands below must not move while somebody reads it.
    member.style.minHeight = `${member.offsetHeight}px`;
  });
  if (state === "waiting") lookSoon();
}

/** Do something, or only ask how things are; a problem is said where the state is. */
async function tell(path, options) {
  clearTimeout(again);
  try {
    const visit = await ask(path, options);
    wait = LOOK_MS;
    if (visit.csrf) document.querySelector('meta[name="csrf"]').content = visit.csrf;
    show(visit);
    // A button that is gone takes the keyboard's place on the page with it.
    const at = document.activeElement;
    if (options && (at === document.body || at.closest("[hidden]"))) $("text").focus();
  } catch (error) {
    $("join").disabled = false;
    $("code-card").hidden = member.dataset.state !== "waiting";
    if (member.dataset.state !== "waiting") member.dataset.state = "ended";
    write($("text"), error.message);
    if (member.dataset.state === "waiting") lookSoon();
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
  again = setTimeout(() => tell("/join/state"), wait);
  wait = Math.min(wait * 1.1, MOST_WAIT_MS);
}

const POST = { method: "POST" };
$("join").addEventListener("click", () => {
  askForCode();
  tell("/join/start", POST);
});
$("cancel").addEventListener("click", () => tell("/join/cancel", POST));
$("leave").addEventListener("click", () => {
  $("sure").hidden = false;
  $("no").focus();
});
$("no").addEventListener("click", () => {
  $("sure").hidden = true;
  $("leave").focus();
});
$("yes").addEventListener("click", () => tell("/join/leave", POST));
$("leave-elsewhere").addEventListener("click", () => {
  member.scrollIntoView({ block: "nearest" });
  if (member.dataset.state === "joined") return $("leave").click();
  askForCode();
  tell("/join/leave", POST);
});
// Whoever comes back from Twitch's page wants to know at once.
document.addEventListener("visibilitychange", () => document.hidden || tell("/join/state"));
prepareNamePreview();
tell("/join/state");
