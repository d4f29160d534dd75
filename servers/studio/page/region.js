// The part of an image that the next attempt may change: painted with a brush, or given as rectangles by numbers.

import { html, useActions, useEffect, useRef, useState } from "./lib.js";
import { Problem } from "./parts.js";
import { bitmapOf } from "./pictures.js";

const OPAQUE = 128;
const contextOf = (canvas) => canvas.getContext("2d", { willReadFrequently: true });
const RECTANGLE = new RegExp(`^${Array(4).fill("\\s*(\\d{1,5}(?:\\.\\d{1,4})?)\\s*(%?)\\s*").join(",")}$`);

/** Returns the edges of "left, top, width, height", in pixels or percent, within an image of this size. */
function edgesOf(text, { width, height }) {
  const found = RECTANGLE.exec(text);
  if (!found) throw new Error("A rectangle is left, top, width and height, in pixels or percent: 50%, 0, 50%, 100%.");
  const [x, y, wide, high] = [width, height, width, height].map((side, index) =>
    found[2 * index + 2] ? (Number(found[2 * index + 1]) * side) / 100 : Number(found[2 * index + 1]));
  const [left, top, right, bottom] = [x, y, x + wide, y + high].map(Math.round);
  if (right > width || bottom > height || right <= left || bottom <= top)
    throw new Error(`This rectangle is empty or does not lie in the image, which has ${width} × ${height} pixels.`);
  return { left, top, width: right - left, height: bottom - top };
}

/** Returns the mask of what is painted on a canvas, white on black, and the white part of it from 0 to 1. */
function maskOf(canvas) {
  const { width, height } = canvas;
  const pixels = contextOf(canvas).getImageData(0, 0, width, height);
  let white = 0;
  for (let index = 0; index < pixels.data.length; index += 4) {
    const isPainted = pixels.data[index + 3] >= OPAQUE;
    pixels.data.fill(isPainted ? 255 : 0, index, index + 3);
    pixels.data[index + 3] = 255;
    white += isPainted;
  }
  return { pixels, share: white / (width * height) };
}

function pngOf(pixels) {
  const canvas = Object.assign(document.createElement("canvas"), { width: pixels.width, height: pixels.height });
  contextOf(canvas).putImageData(pixels, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/**
 * Sets `result.current` to a function that returns `{mask}` for the verdict, or `{}` while nothing is painted.
 *
 * Until the image has come, its size is unknown: nothing can be painted then, and the controls say so.
 */
function RegionPainter({ api, sha256, result }) {
  const picture = useRef();
  const paint = useRef();
  const last = useRef(null);
  const [size, setSize] = useState(null);
  const [isErasing, setErasing] = useState(false);
  const [brush, setBrush] = useState(15);
  const [rectangle, setRectangle] = useState("");
  const [share, setShare] = useState(0);
  const [missing, setMissing] = useState("");
  const [tries, setTries] = useState(0);
  const { error, run } = useActions();
  useEffect(() => {
    let current = true;
    setSize(null);
    setMissing("");
    bitmapOf(api, sha256, "full").then(
      (bitmap) => {
        if (!current) return;
        for (const { current: canvas } of [picture, paint]) Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
        picture.current.getContext("2d").drawImage(bitmap, 0, 0);
        setSize({ width: bitmap.width, height: bitmap.height });
        setShare(0);
      },
      (problem) => current && setMissing(`The image cannot be shown, so no part of it can be chosen: ${problem.message}`),
    );
    return () => {
      current = false;
    };
  }, [api, sha256, tries]);
  const waits = !size;
  result.current = async () => {
    if (waits) return {};
    const { pixels, share: painted } = maskOf(paint.current);
    return painted ? { mask: (await api.putImage(await pngOf(pixels))).sha256 } : {};
  };
  const measure = () => setShare(maskOf(paint.current).share);
  const stroke = ({ clientX, clientY }) => {
    const canvas = paint.current;
    const box = canvas.getBoundingClientRect();
    const point = [((clientX - box.left) * canvas.width) / box.width, ((clientY - box.top) * canvas.height) / box.height];
    const context = contextOf(canvas);
    const color = getComputedStyle(canvas).color;
    Object.assign(context, { lineCap: "round", lineJoin: "round", strokeStyle: color });
    context.lineWidth = Math.max(1, (brush / 100) * Math.min(canvas.width, canvas.height));
    context.globalCompositeOperation = isErasing ? "destination-out" : "source-over";
    context.beginPath();
    context.moveTo(...(last.current ?? point));
    context.lineTo(point[0] + 0.01, point[1]); // A tap is a dot: a line without length has no ends to draw.
    context.stroke();
    last.current = point;
  };
  const begin = (event) => {
    if (event.button || waits) return;
    event.preventDefault();
    paint.current.setPointerCapture(event.pointerId);
    last.current = null;
    stroke(event);
  };
  const move = (event) => last.current && (event.getCoalescedEvents?.() ?? [event]).forEach(stroke);
  const end = () => {
    if (last.current) measure();
    last.current = null;
  };
  const addRectangle = () =>
    !waits &&
    run("rectangle", () => {
      const { left, top, width, height } = edgesOf(rectangle, paint.current);
      const context = contextOf(paint.current);
      context.globalCompositeOperation = isErasing ? "destination-out" : "source-over";
      context.fillStyle = getComputedStyle(paint.current).color;
      context.fillRect(left, top, width, height);
      measure();
      setRectangle("");
    });
  const clear = () => {
    contextOf(paint.current).clearRect(0, 0, paint.current.width, paint.current.height);
    measure();
  };
  const percent = share && share < 0.01 ? "less than 1" : share > 0.99 && share < 1 ? "more than 99" : Math.round(100 * share);
  const painted = share ? `${percent} % of the image may change; every other pixel stays.` : "Nothing is painted: the whole image may change.";
  const said = waits ? (missing ? "" : "Loading the image to paint on…") : painted;
  return html`<div class="region" role="group" aria-label="Part of the image to change" aria-busy=${waits && !missing}>
    <div class=${`region-stage ${waits ? "waits" : ""} ${size && Math.max(size.width, size.height) <= 256 ? "pixel-art" : ""}`}>
      <canvas ref=${picture} width="1" height="1" role="presentation" />
      <canvas ref=${paint} class="region-paint" width="1" height="1" role="img" aria-label=${`Painted region. ${said}`}
        onPointerDown=${begin} onPointerMove=${move} onPointerUp=${end} onPointerCancel=${end} />
    </div>
    <div class="row">
      <button type="button" disabled=${waits} aria-pressed=${!isErasing} onClick=${() => setErasing(false)}>Paint</button>
      <button type="button" disabled=${waits} aria-pressed=${isErasing} onClick=${() => setErasing(true)}>Erase</button>
      <button type="button" disabled=${waits || !share} onClick=${clear}>Clear</button>
    </div>
    <label class="field"><span class="label">Brush, ${brush} % of the shorter side</span>
      <input type="range" min="2" max="60" disabled=${waits} value=${brush} onInput=${(event) => setBrush(Number(event.target.value))} /></label>
    <label class="field"><span class="label">Or a rectangle: left, top, width, height</span>
      <input value=${rectangle} disabled=${waits} placeholder="50%, 0, 50%, 100%" onInput=${(event) => setRectangle(event.target.value)}
        onKeyDown=${(event) => event.key === "Enter" && (event.preventDefault(), addRectangle())} /></label>
    <div class="row"><button type="button" disabled=${waits || !rectangle.trim()} onClick=${addRectangle}>${isErasing ? "Erase rectangle" : "Add rectangle"}</button></div>
    <p class="small" role="status">${said}</p>
    <${Problem}>${missing || error}<//>
    ${missing && html`<div class="row"><button type="button" onClick=${() => setTries(tries + 1)}>Try again</button></div>`}
  </div>`;
}

/** Opens the painter on demand; see there for `result`. Closing it forgets what was painted. */
function RegionChoice(given) {
  const [isOpen, setOpen] = useState(false);
  const toggle = () => {
    if (isOpen) given.result.current = null;
    setOpen(!isOpen);
  };
  return html`<div class="row"><button type="button" aria-expanded=${isOpen} onClick=${toggle}>Change only a part of the image…</button></div>
    ${isOpen && html`<${RegionPainter} ...${given} />`}`;
}

export { RegionChoice };
