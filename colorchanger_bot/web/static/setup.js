// The set-up: shows the step that the bot says, and sends what a person does there.

import { make, onNews, write } from "./dom.js";
import { ask, listen } from "./net.js";
import { drawing } from "./qr.js";

const $ = (id) => document.getElementById(id);
const main = document.querySelector("main");
const panels = [...document.querySelectorAll(".code-place")].map(prepareCode);

function show(state) {
  const { setup, login } = state;
  // The bot has been told of no open set-up since it started.
  if (!setup.step) return location.reload();
  onNews(main, "step", [setup.step, setup.steps], ([step, steps]) => go(step, steps));
  note($("network"), ["application", "login"].includes(setup.step) && setup.network);
  showCheck(setup.application);
  $("other-id").hidden = !setup.canChangeId;
  for (const panel of panels) panel(login);
  onNews($("computer"), "start", setup.computer, ({ isOn, problem }) => {
    $("autostart").setAttribute("aria-checked", isOn);
    answer($("computer-text"), problem, "refused");
  });
  if (setup.account) {
    showMessage(setup.account);
    showChannels(setup.account);
  }
}

function go(step, steps) {
  const isNew = main.dataset.shown === "yes" && main.dataset.step !== step;
  Object.assign(main.dataset, { step, shown: "yes" });
  const place = steps.indexOf(step);
  for (const item of document.querySelectorAll("#steps li")) {
    const at = steps.indexOf(item.dataset.step);
    item.hidden = at === -1;
    item.classList.toggle("past", place === -1 || at < place);
    if (at === place) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  if (isNew) {
    $(`${step}-title`).focus();
    scrollTo(0, 0);
  }
}

function note(element, text) {
  element.hidden = !text;
  write(element, text || "");
}

function answer(element, text, kind = "") {
  write(element, text);
  element.dataset.kind = kind;
}

/** Send something; a refusal is shown beside what was sent. */
async function send(element, path, options) {
  try {
    await ask(path, options);
    return true;
  } catch (error) {
    answer(element, error.message, "refused");
    return false;
  }
}

// The application

function showCheck(check) {
  onNews($("check"), "check", check, ({ state, text, clientId }) => {
    answer($("check-text"), text ?? "", state === "asking" ? "" : state);
    $("client-id").setAttribute("aria-invalid", state === "refused");
    $("check").setAttribute("aria-busy", state === "asking");
    if (clientId && !$("client-id").value) $("client-id").value = clientId;
  });
}

$("check").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("client-id").value;
  if (!text.trim()) return answer($("check-text"), "Paste the Client ID here.", "refused");
  send($("check-text"), "/api/setup/application", { method: "POST", text });
});
$("other-id").addEventListener("click", () => {
  $("client-id").value = "";
  ask("/api/setup/application", { method: "DELETE" }).catch(() => {});
});

// The login, in two places

function prepareCode(place) {
  const panel = $("code-panel").content.cloneNode(true).firstElementChild;
  const part = (selector) => panel.querySelector(selector);
  place.append(panel);
  part(".start").addEventListener("click", () => send(part(".login-text"), "/api/login", { method: "POST" }));
  return (login) =>
    onNews(panel, "login", login, () => {
      const state = login?.state ?? "";
      answer(part(".login-text"), login?.text ?? "", state === "failed" ? "refused" : "");
      part(".code-card").hidden = state !== "waiting";
      part(".start").parentElement.hidden = state === "waiting" || state === "asking" || state === "done";
      write(part(".start"), state === "failed" ? "Get a new code" : "Log in with Twitch");
      if (state !== "waiting") return;
      write(part(".code"), login.code);
      part(".copy-code").dataset.copy = login.code;
      part(".open-twitch").href = login.url;
      part(".picture").replaceChildren(...(login.picture ? [drawing(login.picture)] : []));
      part(".purposes").replaceChildren(...login.purposes.map((purpose) => make("li", purpose)));
    });
}

// The first message

function showMessage(account) {
  for (const name of document.querySelectorAll("#message .login")) {
    write(name, account.login);
    if (name.closest("#chats")) name.style.color = account.color;
  }
  for (const text of document.querySelectorAll("#chats .text")) write(text, account.message?.text ?? "…");
  $("chat-link").hidden = !account.chat;
  if (account.chat) $("chat-link").href = account.chat;
  answer($("message-text"), ...messageNews(account));
  write($("message-next"), account.changed ? "Continue" : "Skip");
  $("message-next").classList.toggle("primary", account.changed);
}

function messageNews({ problem, isOff, isRead, message, changed, color }) {
  if (changed) return [`It works: your name is ${color} now. Write again, and it changes again.`, "good"];
  if (problem) return [problem, "refused"];
  if (isOff) return ["New colours are switched off for this account: turn them on on the dashboard.", "refused"];
  if (message) return ["Your message is here. Its colour follows in a moment …"];
  return [isRead ? "Waiting for your message …" : "Connecting to your chat …"];
}

$("message-next").addEventListener("click", () => send($("message-text"), "/api/setup/next", { method: "POST", text: "message" }));

// The channels

function showChannels(account) {
  onNews($("choose"), "chosen", [account.channels, account.live], () => {
    if (!$("choose").contains(document.activeElement)) {
      $("names").value = account.channels.join(", ");
      $("live").checked = account.live;
    }
  });
  $("follow").hidden = !account.live || account.mayFollow;
  write($("channels-next"), account.channels.length || account.live ? "Leave it as it is" : "Only my own channel");
}

$("choose").addEventListener("submit", (event) => {
  event.preventDefault();
  answer($("choose-text"), "Looking at Twitch …");
  const json = { names: $("names").value, live: $("live").checked };
  send($("choose-text"), "/api/setup/channels", { method: "POST", json }).then((done) => done && answer($("choose-text"), ""));
});
$("channels-next").addEventListener("click", () => send($("choose-text"), "/api/setup/next", { method: "POST", text: "channels" }));

// Start with the computer

$("autostart").addEventListener("click", () => {
  const text = $("autostart").getAttribute("aria-checked") === "true" ? "off" : "on";
  send($("computer-text"), "/api/setup/computer", { method: "POST", text });
});
$("computer-next").addEventListener("click", () => send($("computer-text"), "/api/setup/next", { method: "POST", text: "computer" }));
$("again").addEventListener("click", () => ask("/api/setup/next", { method: "POST", text: "again" }).catch(() => {}));

// Copying

document.addEventListener("click", async ({ target }) => {
  if (!("copy" in (target.dataset ?? {}))) return;
  const copied = await navigator.clipboard?.writeText(target.dataset.copy).then(() => true, () => false);
  if (!copied) getSelection().selectAllChildren(target.previousElementSibling);
  write(target, copied ? "Copied" : "Press Ctrl+C");
  setTimeout(() => write(target, "Copy"), 2000);
});

listen(show, (isThere) => note($("lost"), !isThere && "ColorChanger does not answer. Is it still running? Trying again …"));
