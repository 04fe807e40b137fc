// The chat of the demo: its last lines, and a field to write one.

import { make, onNews } from "./dom.js";
import { ask } from "./net.js";

const $ = (id) => document.getElementById(id);

export function prepareChat() {
  $("say").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = $("line").value.trim();
    if (!text) return;
    $("line").value = "";
    $("line").focus();
    await ask(`/api/chat?${new URLSearchParams({ as: $("who").value })}`, { method: "POST", text }).catch((error) => {
      $("line").value = text;
      $("line").setCustomValidity(error.message);
      $("line").reportValidity();
      $("line").setCustomValidity("");
    });
  });
  $("play").addEventListener("click", () => ask("/api/chat/play", { method: "POST" }).catch(() => {}));
}

export function showChat(lines) {
  onNews($("lines"), "lines", lines.map((line) => line.number), () => {
    const list = $("lines");
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    list.replaceChildren(...lines.map(chatLine));
    if (atEnd) list.scrollTop = list.scrollHeight;
  });
}

function chatLine({ who, color, text }) {
  const item = make("li");
  const name = make("b", who);
  name.style.color = color;
  item.append(name, `: ${text}`);
  return item;
}
