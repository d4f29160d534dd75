// The form for a new request: text, images by drop, paste or file, profile, limits.

import { html, useActions, useEffect, useRef, useState } from "./lib.js";
import { Field, Problem, Text } from "./parts.js";
import { AddImage, Picture } from "./pictures.js";

const DRAFT = "studio-draft";
const EMPTY = { text: "", profile: "", approve: true, attempts: "", calls: "", seconds: "", size: "", seed: "" };
const saved = () => {
  try {
    return { ...EMPTY, ...JSON.parse(sessionStorage.getItem(DRAFT)) };
  } catch {
    return EMPTY;
  }
};

function number(text, name, least) {
  if (!text.trim()) return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value < least) throw new Error(`${name} must be a number from ${least} on.`);
  return value;
}

const imagesIn = (transfer) => [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));

function NewRequest({ api, options, onStarted }) {
  const [form, setForm] = useState(saved);
  const [images, setImages] = useState([]);
  const [over, setOver] = useState(false);
  const [trouble, setTrouble] = useState("");
  const { busy, error, run } = useActions();
  const textarea = useRef();
  useEffect(() => sessionStorage.setItem(DRAFT, JSON.stringify(form)), [form]);
  useEffect(() => textarea.current?.focus(), []);
  const set = (name) => (value) => setForm((old) => ({ ...old, [name]: value }));
  const profile = options.profiles.find((one) => one.name === form.profile) ?? options.profiles[0];
  const keep = (image) => setImages((old) => [...old, image]);
  const addFiles = (files) =>
    run("image", async () => {
      for (const file of files) keep(await api.putImage(file));
    });
  const take = (event, transfer) => {
    const files = imagesIn(transfer);
    if (!files.length) return;
    event.preventDefault();
    addFiles(files);
  };
  const send = (event) => {
    event.preventDefault();
    run("start", async () => {
      if (!form.text.trim() && !images.length) throw new Error("Describe what to show, or add an image.");
      const { trajectory } = await api.start({
        request: form.text,
        images: images.map((image) => image.sha256),
        profile: profile?.name ?? null,
        approve_plan: form.approve,
        max_attempts: number(form.attempts, "Attempts per step", 1),
        max_calls: number(form.calls, "Generator calls", 1),
        time_limit: number(form.seconds, "Seconds of work", 1),
        image_size: form.size.trim() || null,
        seed: number(form.seed, "The seed", 0),
      });
      sessionStorage.removeItem(DRAFT);
      onStarted(trajectory);
    });
  };
  const small = (name, label, placeholder) => html`<label class="field"><span class="label">${label}</span>
    <input inputmode=${name === "size" ? "text" : "numeric"} placeholder=${placeholder ?? ""} value=${form[name]} onInput=${(event) => set(name)(event.target.value)} /></label>`;
  const limits = profile?.limits ?? {};
  return html`<form class=${`new-request ${over ? "over" : ""}`} onSubmit=${send}
    onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
    onDrop=${(event) => { setOver(false); take(event, event.dataTransfer); }}
    onPaste=${(event) => take(event, event.clipboardData)}>
    <h1>New request</h1>
    <label class="field"><span class="label">What do you want to see?</span>
      <textarea ref=${textarea} rows="5" dir="auto" value=${form.text} placeholder=${profile?.example ?? ""}
        onInput=${(event) => set("text")(event.target.value)}
        onKeyDown=${(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send(event)} />
    </label>
    ${profile?.example && !form.text && html`<p><button type="button" class="link" onClick=${() => set("text")(profile.example)}>Use this example</button></p>`}
    <div class="row">
      <${AddImage} api=${api} multiple label="Add images" onImage=${keep} onError=${setTrouble} />
      <span class="small">or drop or paste them here${images.length > 0 ? ". <image> in the text marks where one belongs" : ""}</span>
    </div>
    ${images.length > 0 && html`<ul class="request-images">${images.map((image, index) => html`<li key=${index}>
      <${Picture} api=${api} sha256=${image.sha256} alt=${`Image ${index + 1} of the request`} />
      <button type="button" class="icon" aria-label=${`Remove image ${index + 1}`}
        onClick=${() => setImages((old) => old.toSpliced(index, 1))}>✕</button></li>`)}</ul>`}
    ${options.profiles.length > 0 && html`<label class="field"><span class="label">Profile</span>
      <select value=${profile?.name} onChange=${(event) => set("profile")(event.target.value)}>
        ${options.profiles.map((one) => html`<option value=${one.name}>${one.name}</option>`)}
      </select>
      <span class="small"><${Text}>${profile.description}<//></span>
      ${profile.notice && html`<span class="small notice"><${Text}>${profile.notice}<//></span>`}
    </label>`}
    <label class="check"><input type="checkbox" checked=${form.approve || options.require_person} disabled=${options.require_person}
      onChange=${(event) => set("approve")(event.target.checked)} />
      <span>Show me the plan first; nothing is generated before I approve it</span></label>
    <details><summary>Limits, image size and seed</summary>
      <div class="grid">
        ${small("attempts", "Attempts per step", limits.max_attempts)}
        ${small("calls", "Generator calls in all", limits.max_calls ?? "no limit")}
        ${small("seconds", "Seconds of work", limits.time_limit ?? "no limit")}
        ${small("size", "Image size or shape", "1024x576 or 16:9")}
        ${small("seed", "Seed", "random")}
      </div>
    </details>
    <div class="row"><button class="primary" disabled=${busy}>${busy === "start" ? "Starting…" : "Start"}</button>
      <span class="small">Ctrl + Enter</span></div>
    <${Problem}>${error || trouble}<//>
  </form>`;
}

export { NewRequest };
