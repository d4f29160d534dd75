// What the board asks of the server, through the chat's tools. The names of the tools are in this file only.

import { Bridge } from "./bridge.js";

const POLL_SECONDS = 20;
const OVER = ["done", "cancelled"];

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

function base64Of(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000)
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return btoa(text);
}

class BoardApi {
  #trajectory = "";
  #view = null;
  #onView = () => {};
  #onTrouble = () => {};
  #wake = () => {};
  #stopped = false;
  #onScreen = true;
  #polling = false;

  constructor({ theme }) {
    const applyContext = (context) => {
      Object.assign(this.bridge.context, context);
      if (context.theme) theme(context.theme);
      this.#onView(this.#view);
    };
    this.bridge = new Bridge({
      "ui/notifications/tool-result": (result) => this.#take(result),
      "ui/notifications/tool-input": (input) => this.#open(input.arguments?.trajectory),
      "ui/notifications/tool-cancelled": ({ reason }) => this.#onTrouble(`The call was cancelled${reason ? `: ${reason}` : "."}`),
      "ui/notifications/host-context-changed": applyContext,
      "ui/resource-teardown": () => {
        this.#stopped = true;
        this.#wake();
        return {};
      },
    });
    this.applyContext = applyContext;
  }

  /** Connects to the host and reports the page's size from then on. */
  async start() {
    await this.bridge.connect();
    this.applyContext(this.bridge.context);
    const root = document.documentElement;
    let height = 0;
    const report = () => {
      const wanted = Math.ceil(document.getElementById("app").getBoundingClientRect().height);
      if (wanted === height) return;
      height = wanted;
      this.bridge.notify("ui/notifications/size-changed", { width: root.clientWidth, height });
    };
    new ResizeObserver(report).observe(document.getElementById("app"));
    report();
    new IntersectionObserver((entries) => {
      this.#onScreen = entries.at(-1).isIntersecting;
      this.#wake();
    }).observe(root);
    document.addEventListener("visibilitychange", () => this.#wake());
  }

  follow(onView, onTrouble) {
    this.#onView = (view) => view && onView(view);
    this.#onTrouble = onTrouble;
    this.#onView(this.#view);
    return () => {
      this.#stopped = true;
    };
  }

  async act(verb, args) {
    const result = await this.bridge.call("steer_storyboard", { trajectory: this.#trajectory, action: verb, ...args });
    this.#take(result);
    this.#wake();
  }

  async image(sha256) {
    const chunks = [];
    let start = 0;
    let type = "image/png";
    do {
      const { structuredContent } = await this.bridge.call("storyboard_image", { sha256, start });
      chunks.push(bytesOf(structuredContent.data));
      type = structuredContent.mime_type ?? type;
      start = structuredContent.next ?? null;
    } while (start);
    return new Blob(chunks, { type });
  }

  async putImage(file) {
    const data = base64Of(new Uint8Array(await file.arrayBuffer()));
    const { structuredContent } = await this.bridge.call("put_image", { data });
    return structuredContent;
  }

  tellModel(image) {
    if (!this.bridge.capabilities.updateModelContext) return;
    const text = `The user added an image: image://${image.sha256}. Tools that take images accept this address.`;
    this.bridge.request("ui/update-model-context", { content: [{ type: "text", text }] }).catch(() => {});
  }

  openLink(url) {
    return this.bridge.request("ui/open-link", { url });
  }

  async fullscreen() {
    const { mode } = await this.bridge.request("ui/request-display-mode", { mode: "fullscreen" });
    this.applyContext({ displayMode: mode });
  }

  #take(result) {
    const view = result.structuredContent;
    if (result.isError || !view?.trajectory) {
      const words = (result.content ?? []).map((block) => block.text ?? "").join("\n");
      this.#onTrouble(words || "The tool gave no storyboard.");
      return;
    }
    this.#onTrouble("");
    // An answer to a model is shortened; the first poll brings the whole texts.
    this.#view = view;
    this.#onView(view);
    this.#open(view.trajectory);
  }

  #open(trajectory) {
    if (!trajectory) return;
    const isNew = trajectory !== this.#trajectory;
    this.#trajectory = trajectory;
    if (isNew) this.complete = false;
    if (!this.#polling) this.#poll();
    else if (isNew) this.#wake();
  }

  async #poll() {
    this.#polling = true;
    let failures = 0;
    while (!this.#stopped) {
      const over = this.complete && OVER.includes(this.#view?.status);
      if (over || !this.#onScreen || document.hidden) {
        await new Promise((resolve) => (this.#wake = resolve));
        continue;
      }
      const trajectory = this.#trajectory;
      const since = this.complete && this.#view?.trajectory === trajectory ? this.#view.version : null;
      try {
        const result = await this.bridge.call("storyboard_state", { trajectory, since, wait: since ? POLL_SECONDS : 0 });
        failures = 0;
        if (trajectory !== this.#trajectory || !result.structuredContent?.trajectory) continue;
        this.complete = true;
        this.#take(result);
      } catch (error) {
        failures += 1;
        if (failures > 2) this.#onTrouble(`${error.message} The board keeps trying.`);
        await pause(Math.min(15_000, 1000 * 2 ** failures));
      }
    }
    this.#polling = false;
  }
}

export { BoardApi };
