// The form for a new request: text, images by drop, paste or file, profile, limits.

import { html, useActions, useEffect, useLayoutEffect, useRef, useState } from "./lib.js";
import { LimitFields, NO_LIMITS, limitsIn } from "./limits.js";
import { Problem, Text } from "./parts.js";
import { AddImage, Picture, storeFiles, useUploads } from "./pictures.js";
import { number } from "./words.js";

const DRAFT = "studio-draft";
const EMPTY = { text: "", profile: "", approve: true, ...NO_LIMITS, size: "", seed: "" };
/** Returns the form and its images as they were before the page was loaded again. */
const saved = () => {
  try {
    const { images = [], ...form } = JSON.parse(sessionStorage.getItem(DRAFT)) ?? {};
    return [{ ...EMPTY, ...form }, images];
  } catch {
    return [EMPTY, []];
  }
};

const message = (form, images, profile) => ({
  request: form.text,
  images: images.map(({ sha256, name, purpose }) => ({ sha256, name: name.trim() || null, purpose: name.trim() ? purpose.trim() : "" })),
  profile: profile?.name ?? null,
  approve_plan: form.approve,
  ...limitsIn(form),
  image_size: form.size.trim() || null,
  seed: number(form.seed, "The seed", 0),
});

/** Words about what the form's request will cost, once nothing has been typed for a moment; empty if nobody can say. */
function useEstimate(api, request) {
  const [words, setWords] = useState("");
  const wanted = request && JSON.stringify(request);
  useEffect(() => {
    if (!wanted) {
      setWords("");
      return undefined;
    }
    let current = true;
    const timer = setTimeout(async () => {
      // What is wrong with the request is said when it is sent.
      const { estimate } = await api.estimate(JSON.parse(wanted)).catch(() => ({}));
      if (current) setWords(estimate?.words ?? "");
    }, 300);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api, wanted]);
  return words;
}

/** An image of the request, with the name that makes it a reference. */
function RequestImage({ api, image, number, onChange, onRemove }) {
  const field = (key, label, placeholder) => html`<label class="field"><span class="label">${label}</span>
    <input dir="auto" maxlength=${key === "name" ? 33 : 200} placeholder=${placeholder} value=${image[key]}
      onInput=${(event) => onChange({ ...image, [key]: event.target.value })} /></label>`;
  return html`<li>
    <${Picture} api=${api} sha256=${image.sha256} alt=${`Image ${number} of the request`} />
    <div class="image-words">${field("name", `Name of image ${number} (optional)`, "tom")}
      ${image.name.trim() && field("purpose", `What image ${number} is for (optional)`, "the hero, keep his coat")}</div>
    <button type="button" class="icon" aria-label=${`Remove image ${number}`} onClick=${onRemove}>✕</button></li>`;
}

const imagesIn = (transfer) => [...(transfer?.files ?? [])].filter((file) => file.type.startsWith("image/"));

/** `place` is the page that the form stands on; on a new one the text gets the keyboard's focus. */
function NewRequest({ api, options, place, onStarted }) {
  const [[savedForm, savedImages]] = useState(saved);
  const [form, setForm] = useState(savedForm);
  const [images, setImages] = useState(savedImages);
  const [over, setOver] = useState(false);
  const [trouble, setTrouble] = useState("");
  const [suggestion, setSuggestion] = useState("");
  const [uploads, uploading] = useUploads(api);
  const { busy, error, run } = useActions();
  const textarea = useRef();
  // At once, so that a page that is loaded again right after a keystroke has it.
  useLayoutEffect(() => sessionStorage.setItem(DRAFT, JSON.stringify({ ...form, images })), [form, images]);
  useEffect(() => textarea.current?.focus(), [place]);
  const set = (name) => (value) => setForm((old) => ({ ...old, [name]: value }));
  const profile = options.profiles.find((one) => one.name === form.profile) ?? options.profiles[0];
  const isEmpty = !form.text.trim() && !images.length;
  let draft = null;
  try {
    draft = isEmpty ? null : { ...message(form, images, profile), seed: null };
  } catch {
    // A number is not finished yet.
  }
  const estimate = useEstimate(api, draft);
  const keep = ({ sha256 }) => setImages((old) => [...old, { sha256, name: "", purpose: "" }]);
  const named = images.map((image) => image.name.trim().replace(/^@/, "")).find(Boolean);
  const addFiles = (files) => {
    setTrouble("");
    storeFiles(uploads, files, keep).catch(({ message }) => setTrouble(message));
  };
  const take = (event, files) => {
    if (!files.length) return;
    event.preventDefault();
    addFiles(files);
  };
  const send = (event) => {
    event.preventDefault();
    if (uploading) return; // The request would miss an image.
    run("start", async () => {
      if (isEmpty) throw new Error("Describe what to show, or add an image.");
      setSuggestion("");
      const { trajectory } = await api.start(message(form, images, profile)).catch((problem) => {
        setSuggestion(problem.suggestion ?? "");
        throw problem;
      });
      sessionStorage.removeItem(DRAFT);
      onStarted(trajectory);
    });
  };
  const takeSuggestion = () => {
    set("text")(suggestion);
    setSuggestion("");
    textarea.current?.focus();
  };
  const small = (name, label, placeholder) => html`<label class="field"><span class="label">${label}</span>
    <input inputmode=${name === "size" ? "text" : "numeric"} placeholder=${placeholder ?? ""} value=${form[name]} onInput=${(event) => set(name)(event.target.value)} /></label>`;
  return html`<form class=${`new-request ${over ? "over" : ""}`} onSubmit=${send}
    onDragOver=${(event) => { event.preventDefault(); setOver(true); }} onDragLeave=${() => setOver(false)}
    onDrop=${(event) => { setOver(false); take(event, [...event.dataTransfer.files]); }}
    onPaste=${(event) => take(event, imagesIn(event.clipboardData))}>
    <h1>New request</h1>
    <label class="field"><span class="label">What do you want to see?</span>
      <textarea ref=${textarea} rows="5" dir="auto" value=${form.text} placeholder=${profile?.example ?? ""}
        onInput=${(event) => set("text")(event.target.value)}
        onKeyDown=${(event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && send(event)} />
    </label>
    ${profile?.example && !form.text && html`<p><button type="button" class="link" onClick=${() => set("text")(profile.example)}>Use this example</button></p>`}
    <div class="row">
      <${AddImage} api=${uploads} multiple label="Add images" onImage=${keep} onError=${setTrouble} />
      <span class="small">or drop or paste them here${images.length > 0 ? ". <image> in the text marks where one belongs" : ""}</span>
    </div>
    ${images.length > 0 && html`<ul class="named-images">${images.map((image, index) => html`<${RequestImage} key=${index}
      api=${api} image=${image} number=${index + 1} onChange=${(changed) => setImages((old) => old.with(index, changed))}
      onRemove=${() => setImages((old) => old.toSpliced(index, 1))} />`)}</ul>
      <p class="small">A name makes an image a reference: write <bdi>@${named || "tom"}</bdi> in the text where you mean it. Steps look at it, and none edits it unless the plan says so.</p>`}
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
    <details><summary>Limits of work and cost, image size, seed</summary>
      <div class="grid">
        <${LimitFields} form=${form} limits=${profile?.limits ?? {}} onChange=${(changed) => setForm((old) => ({ ...old, ...changed }))} />
        ${small("size", "Image size or shape", "1024x576 or 16:9")}
        ${small("seed", "Seed", "random")}
      </div>
    </details>
    <p class="small estimate" role="status">${estimate}</p>
    <div class="row"><button class="primary" disabled=${busy || uploading}>${busy ? "Starting…" : uploading ? "Adding images…" : "Start"}</button>
      <span class="small">Ctrl + Enter</span></div>
    <${Problem}>${error || trouble}<//>
    ${suggestion && html`<p><button type="button" class="link" onClick=${takeSuggestion}>Use this request: <bdi>${suggestion}</bdi></button></p>`}
  </form>`;
}

export { NewRequest };
