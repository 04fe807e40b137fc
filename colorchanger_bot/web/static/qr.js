// QR codes, drawn from the path that the bot sends.

const SVG = "http://www.w3.org/2000/svg";

/** The picture of a QR code, for a person who looks at this page and holds a phone. */
export function drawing({ size, path }) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "QR code of the Twitch page");
  const ground = document.createElementNS(SVG, "rect");
  for (const [name, value] of [["width", size], ["height", size], ["fill", "#ffffff"]]) ground.setAttribute(name, value);
  const bars = document.createElementNS(SVG, "path");
  bars.setAttribute("d", path);
  bars.setAttribute("fill", "#000000");
  svg.append(ground, bars);
  return svg;
}
