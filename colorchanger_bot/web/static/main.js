// Puts the page together: the state comes in, and each part shows its share of it.

import { AccountCard } from "./account.js";
import { prepareChat, showChat } from "./chat.js";
import { write } from "./dom.js";
import { followHealth, prepareHealth } from "./health.js";
import { prepareLogin, showLogin } from "./login.js";
import { prepareMembers } from "./members.js";
import { listen } from "./net.js";

const $ = (id) => document.getElementById(id);
const cards = new Map();

function show(state) {
  for (const account of state.accounts) {
    if (!cards.has(account.login)) {
      cards.set(account.login, new AccountCard(account.login));
      $("accounts").append(cards.get(account.login).element);
    }
    cards.get(account.login).update(account);
  }
  const known = new Set(state.accounts.map((account) => account.login));
  for (const [login, card] of cards) {
    if (known.has(login)) continue;
    card.element.remove();
    cards.delete(login);
  }
  $("nobody").hidden = cards.size > 0;
  showLogin(state.login);
  followHealth(state.accounts);
  if (state.chat) showChat(state.chat);
}

function connected(isThere) {
  write($("connection"), isThere ? "live" : "no connection");
  $("connection").dataset.state = isThere ? "running" : "in trouble";
  $("lost").hidden = isThere;
  write($("lost"), isThere ? "" : "No connection to the bot: what you see is old. Retrying …");
}

prepareLogin();
prepareHealth();
if ($("chat")) prepareChat();
if ($("members")) prepareMembers();
listen(show, connected);
