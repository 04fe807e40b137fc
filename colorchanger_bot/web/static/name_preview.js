// A name in chat, in one colour after another, on both themes.

import { make, write } from "./dom.js";

const $ = (id) => document.getElementById(id);
const LINES = 4;
const EACH_MS = 1600;
const TEXTS = ["hello!", "that was close", "GG", "new colour?", "one more round", "nice", "o7", "let's go"];

export function prepareNamePreview() {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const { dataset } = $("chats");
  const colors = () => dataset[$("turbo").checked ? "any" : "names"].split(" ");
  let said = 0;
  let timer;

  const name = () => $("name").value.trim() || $("name").placeholder;
  const draw = () => {
    const list = colors();
    for (const ground of $("chats").children) {
      const lines = Array.from({ length: LINES }, (_, place) => {
        const number = said + place;
        const line = make("li");
        const bold = make("b", name());
        bold.style.color = list[number % list.length];
        line.append(bold, `: ${TEXTS[number % TEXTS.length]}`);
        return line;
      });
      ground.replaceChildren(...lines);
    }
  };
  const next = (lines) => {
    said += lines;
    draw();
  };
  const run = (on) => {
    clearInterval(timer);
    timer = on ? setInterval(() => document.hidden || next(1), EACH_MS) : undefined;
    if (!calm) write($("pause"), on ? "Pause" : "Play");
  };

  if (calm) write($("pause"), "More colours");
  $("pause").addEventListener("click", () => (calm ? next(LINES) : run(timer === undefined)));
  $("name").addEventListener("input", draw);
  $("turbo").addEventListener("change", draw);
  draw();
  run(!calm);
}
