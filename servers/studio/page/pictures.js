// Images on canvases: no address of an image is ever put into the page, so it works where a host forbids all image
// sources, and no key has to stand in an address. Bitmaps are kept for as long as the newest ones fit.

import { html, useEffect, useRef, useState } from "./lib.js";

const MAX_BITMAPS = 160;
const PIXEL_ART = 256; // Images up to this many pixels on their longer side are enlarged without smoothing.
const bitmaps = new Map();

/** Returns a promise of the bitmap of an image; `size` is "small", "large" or "full". */
function bitmapOf(api, sha256, size) {
  const key = `${size}/${sha256}`;
  let bitmap = bitmaps.get(key);
  if (bitmap) bitmaps.delete(key); // The map's order is that of use.
  else {
    bitmap = api.image(sha256, size).then((blob) => createImageBitmap(blob));
    bitmap.catch(() => bitmaps.delete(key));
  }
  bitmaps.set(key, bitmap);
  if (bitmaps.size > MAX_BITMAPS) bitmaps.delete(bitmaps.keys().next().value);
  return bitmap;
}

/** One image, loaded when it comes near the visible part of the page. Without `alt` it only decorates what names it. */
function Picture({ api, sha256, alt, size = "small" }) {
  const canvas = useRef();
  const [state, setState] = useState("loading");
  useEffect(() => {
    let current = true;
    setState("loading");
    const draw = async () => {
      try {
        const bitmap = await bitmapOf(api, sha256, size);
        if (!current) return;
        Object.assign(canvas.current, { width: bitmap.width, height: bitmap.height });
        canvas.current.getContext("2d").drawImage(bitmap, 0, 0);
        setState(Math.max(bitmap.width, bitmap.height) <= PIXEL_ART ? "shown pixel-art" : "shown");
      } catch {
        if (current) setState("missing");
      }
    };
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        draw();
      },
      { rootMargin: "600px" },
    );
    observer.observe(canvas.current);
    return () => {
      current = false;
      observer.disconnect();
    };
  }, [api, sha256, size]);
  return html`<span class=${`picture ${state}`}>
    <canvas ref=${canvas} width="1" height="1" role=${alt ? "img" : "presentation"} aria-label=${alt || null} />
    ${state === "missing" && html`<span class="small">This image is missing or damaged.</span>`}
  </span>`;
}

const ACCEPTED = "image/png,image/jpeg,image/webp,image/gif"; // What the server reads.

/** Stores files; `onImage` gets `{sha256}` of each. Throws what is wrong with the others in the end. */
async function storeFiles(api, files, onImage) {
  const problems = [];
  for (const file of files) {
    try {
      await onImage(await api.putImage(file), file);
    } catch ({ message }) {
      problems.push(`${file.name}: ${message}`);
    }
  }
  if (problems.length) throw new Error(problems.join("\n"));
}

/** Returns an `api` that stores images, and how many it is storing: what they are for had better wait for them. */
function useUploads(api) {
  const [count, setCount] = useState(0);
  const putImage = async (file) => {
    setCount((old) => old + 1);
    try {
      return await api.putImage(file);
    } finally {
      setCount((old) => old - 1);
    }
  };
  return [{ putImage }, count];
}

/** A button that lets a person choose an image file; `onImage` gets `{sha256}` once the server has stored it. */
function AddImage({ api, label = "Add image", onImage, onError, multiple = false, disabled = false }) {
  const input = useRef();
  const [busy, setBusy] = useState(false);
  const add = async (files) => {
    setBusy(true);
    onError("");
    try {
      await storeFiles(api, files, onImage);
    } catch (error) {
      onError(error.message);
    } finally {
      setBusy(false);
    }
  };
  return html`<input
      class="sr" type="file" tabindex="-1" aria-hidden="true" accept=${ACCEPTED} multiple=${multiple} ref=${input}
      onChange=${({ target }) => { add([...target.files]); target.value = ""; }} />
    <button type="button" disabled=${disabled || busy} onClick=${() => input.current.click()}>
      ${busy ? "Adding…" : label}
    </button>`;
}

export { AddImage, Picture, bitmapOf, storeFiles, useUploads };
