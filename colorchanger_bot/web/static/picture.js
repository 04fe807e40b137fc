// A picture of colours: the name in each of them, on Twitch's dark and light theme.

const WIDTH = 960;
const BAND = 56;
const COLUMNS = 5;
const ROW = 44;
const GROUNDS = ["#18181B", "#FFFFFF"];
const FONT = "Inter, Helvetica, Arial, sans-serif";
const SCALE = 2;

/** The shapes of the picture, which SVG and canvas draw alike; the oldest colour comes first. */
export function pictureOf(name, colors) {
  const rows = Math.ceil(colors.length / COLUMNS);
  const half = rows * ROW + ROW;
  const width = WIDTH / COLUMNS;
  const size = Math.min(22, (width - 16) / (name.length * 0.62));
  const band = colors.map((fill, place) => {
    const left = Math.round((place * WIDTH) / colors.length);
    return { left, top: 0, width: Math.round(((place + 1) * WIDTH) / colors.length) - left, height: BAND, fill };
  });
  const grounds = GROUNDS.map((fill, place) => ({ left: 0, top: BAND + place * half, width: WIDTH, height: half, fill }));
  const texts = grounds.flatMap(({ top }) =>
    colors.map((fill, place) => ({
      left: (place % COLUMNS) * width + width / 2,
      top: top + ROW / 2 + Math.floor(place / COLUMNS) * ROW + ROW / 2,
      fill,
    })),
  );
  return { name, size, height: BAND + 2 * half, boxes: [...grounds, ...band], texts };
}

export function asSvg({ name, size, height, boxes, texts }) {
  const rects = boxes.map((box) => `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" fill="${box.fill}"/>`);
  const names = texts.map(({ left, top, fill }) => `<text x="${left}" y="${top}" fill="${fill}">${name}</text>`);
  const style = `font-family="${FONT}" font-size="${size}" font-weight="700" text-anchor="middle" dominant-baseline="middle"`;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="The colours of ${name}">`,
    ...rects,
    `<g ${style}>`,
    ...names,
    "</g>",
    "</svg>",
  ];
  return new Blob([lines.join("\n")], { type: "image/svg+xml" });
}

export function asPng({ name, size, height, boxes, texts }) {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH * SCALE, height: height * SCALE });
  const draw = canvas.getContext("2d");
  draw.scale(SCALE, SCALE);
  for (const { left, top, width, height: high, fill } of boxes) {
    draw.fillStyle = fill;
    draw.fillRect(left, top, width, high);
  }
  Object.assign(draw, { font: `700 ${size}px ${FONT}`, textAlign: "center", textBaseline: "middle" });
  for (const { left, top, fill } of texts) {
    draw.fillStyle = fill;
    draw.fillText(name, left, top);
  }
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** Let the browser save a file. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: url, download: `colours-of-${name}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
