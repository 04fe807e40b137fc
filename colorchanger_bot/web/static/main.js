// Puts the page together: the state comes in, and each part shows its share of it.

import { AccountCard } from "./account.js";
import { prepareChat, showChat } from "./chat.js";
import { write } from "./dom.js";
import { followFile, followHealth, prepareHealth } from "./health.js";
import { addAccount, prepareLogin, showLogin } from "./login.js";
import { prepareMembers } from "./members.js";
import { listen, meta } from "./net.js";
import { preparePicker, showPicker } from "./picker.js";

const $ = (id) => document.getElementById(id);
const first = JSON.parse(meta("state"));
let card;
let focused;

function show(state) {
  const account = state.accounts.find(({ login }) => login === state.chosen);
  if (card && card.login !== account?.login) {
    card.element.remove();
    card = undefined;
  }
  if (account && !card) {
    card = new AccountCard(account.login, state.strategies ?? []);
    $("accounts").append(card.element);
  }
  card?.update(account);
  $("nobody").hidden = state.accounts.length > 0;
  showPicker(state.accounts, state.chosen);
  showLogin(state.login);
  followFile(state.fileProblems);
  followHealth(state.accounts, state.chosen);
  if (state.chat) showChat(state.chat);
}

/** Without a connection, the controls are off, and the focus comes back with them. */
function connected(isThere) {
  if (isThere !== $("lost").hidden) {
    if (!isThere) focused = document.activeElement;
    $("controls").disabled = $("add-account").disabled = !isThere;
    if (isThere && document.activeElement === document.body) focused?.focus();
  }
  write($("connection"), isThere ? "live" : "no connection");
  $("connection").dataset.state = isThere ? "running" : "in trouble";
  $("lost").hidden = isThere;
  write($("lost"), isThere ? "" : "No connection to the bot: what you see is old. Retrying …");
  document.body.classList.toggle("is-lost", !isThere);
  if (!isThere) card?.lose();
}

prepareLogin(choose);
prepareHealth(first.health);
if ($("chat")) prepareChat();
if ($("members")) prepareMembers();
preparePicker(choose);
show(first);
// From the settings page.
if (location.hash === "#add-account") {
  history.replaceState(null, "", location.pathname + location.search);
  if (!$("log-in").open) addAccount();
}
const events = listen(show, connected, first.chosen);

function choose(login) {
  history.replaceState(null, "", `/?${new URLSearchParams({ account: login })}`);
  events.choose(login);
}
