// Small helpers for the page's elements.

/** Make an element with text; `values` are properties. */
export function make(tag, text = "", values = {}) {
  const element = Object.assign(document.createElement(tag), values);
  element.textContent = text;
  return element;
}

/** Set an element's text, only if it is another: a screen reader speaks what is set. */
export function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

/** Run `work` only when `value` is another than the last time for this element and key. */
const seen = new WeakMap();
export function onNews(element, key, value, work) {
  const known = seen.get(element) ?? seen.set(element, {}).get(element);
  const text = JSON.stringify(value);
  if (known[key] === text) return;
  known[key] = text;
  work(value);
}

/** Wait until nothing has been typed for a moment. */
export function calm(work, milliseconds = 250) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}

/** Put a text on the clipboard; resolves to whether it worked. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  // Browsers have the clipboard only for pages of this machine, or with TLS.
  const field = make("textarea", text, { className: "spoken" });
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}
