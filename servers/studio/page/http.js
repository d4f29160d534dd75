// The studio's server over HTTP. The key goes into a header, never into an address.

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

const pathOf = (id) => `/api/trajectories/${encodeURIComponent(id)}`;

class HttpError extends Error {
  constructor(message, status, code, suggestion) {
    super(message);
    Object.assign(this, { status, code, suggestion });
  }
}

/** Lets a few calls run at once; the others wait. Images must not keep a browser's six connections from the rest. */
function limited(most) {
  let running = 0;
  const waiting = [];
  return async (call) => {
    if (running >= most) await new Promise((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await call();
    } finally {
      if (waiting.length) waiting.shift()();
      else running -= 1;
    }
  };
}

class StudioApi {
  #key;
  #gate = limited(3);
  /** Whether the program at the address is known to be the studio; nothing is sent to it otherwise. */
  trusted = true;

  constructor(key) {
    this.#key = key;
  }

  async request(path, options = {}) {
    const offline = () => new HttpError("The studio does not answer. Is it still running?", 0, "offline");
    if (!this.trusted) throw offline();
    let response;
    try {
      response = await fetch(path, {
        ...options,
        headers: { ...options.headers, authorization: `Bearer ${this.#key}` },
        cache: options.cache ?? "no-store",
      });
    } catch {
      throw offline();
    }
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    const nothing = response.status === 404 ? "There is nothing at this address." : `The studio answered ${response.status}.`;
    throw new HttpError(error?.message ?? nothing, response.status, error?.code, error?.suggestion);
  }

  async json(path, options) {
    const response = await this.request(path, options);
    return response.status === 204 ? null : response.json();
  }

  post(path, body = {}) {
    return this.json(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });
  }

  /** Whether the server knows the key, without telling it: another program may have taken the port meanwhile. */
  async isGenuine() {
    const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
    const encoder = new TextEncoder();
    try {
      const response = await fetch(`/hello?nonce=${nonce}`, { cache: "no-store" });
      const { proof } = await response.json();
      const key = await crypto.subtle.importKey("raw", encoder.encode(this.#key), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      return proof === hex(await crypto.subtle.sign("HMAC", key, encoder.encode(`${nonce} ${location.host}`)));
    } catch {
      return null;
    }
  }

  options = () => this.json("/api/options");
  list = () => this.json("/api/trajectories");
  view = (id) => this.json(pathOf(id));
  estimate = (request) => this.post("/api/estimate", request);
  start = (request) => this.post("/api/trajectories", request);
  act = (id, verb, args = {}) => this.post(`${pathOf(id)}/${verb}`, args);

  /** Returns an image, or null for an empty answer. One that a break of the connection kept away still comes later. */
  async #picture(path, options) {
    for (let pause = 250; ; ) {
      try {
        const response = await this.request(path, options);
        return response.status === 204 ? null : await response.blob();
      } catch (error) {
        if (error instanceof HttpError && error.code !== "offline") throw error;
      }
      do {
        await sleep(pause);
        pause = Math.min(2000, 2 * pause);
      } while (!(await this.isGenuine()));
    }
  }

  image = (sha256, size) => this.#gate(() => this.#picture(`/api/images/${sha256}?size=${size}`, { cache: "default" }));

  thumbnail = (id) => this.#gate(() => this.#picture(`${pathOf(id)}/thumbnail`));

  putImage = (file) => this.json("/api/images", { method: "PUT", body: file });

  async download(id, form) {
    const response = await this.request(`${pathOf(id)}/export?form=${form}`);
    const name = /filename="([^"]+)"/.exec(response.headers.get("content-disposition"))?.[1] ?? id;
    return { name, blob: await response.blob() };
  }
}

/** News of the workspace. One page of a browser holds the connection and tells the others: browsers allow six. */
class Changes {
  #listeners = new Set();
  #channel = new BroadcastChannel("studio-changes");
  online = true;

  constructor(api) {
    this.api = api;
    this.#channel.onmessage = (event) => this.#tell(event.data);
  }

  /** `listener` gets {online}, {list: true}, {changed: [ids]} or {kept: {trajectory, title, reason}}; returns what ends the subscription. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start() {
    navigator.locks.request("studio-changes", () => this.#lead());
  }

  #tell(news) {
    if (news.online !== undefined) this.online = this.api.trusted = news.online;
    for (const listener of this.#listeners) listener(news);
  }

  #publish(news) {
    this.#channel.postMessage(news);
    this.#tell(news);
  }

  async #lead() {
    for (let failures = 0; ; ) {
      while (!(await this.api.isGenuine())) {
        this.#publish({ online: false });
        await sleep(Math.min(8000, 500 * 2 ** failures++));
      }
      this.api.trusted = true;
      try {
        await this.#listen(() => {
          failures = 0;
          this.#publish({ online: true, list: true });
        });
      } catch {
        // The connection is gone; whoever is at the address now must first prove that it is the studio.
      }
      this.#publish({ online: false });
      await sleep(250);
    }
  }

  async #listen(onOpen) {
    const response = await this.api.request("/api/changes");
    onOpen();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
        if (data.length) this.#publish(JSON.parse(data.join("\n")));
      }
    }
  }
}

/**
 * Returns the key: from the address of the start link, from this tab, or from another tab of the studio.
 *
 * `onMissing` is called while no other tab answers. One that is busy, or opened later, still gives its key.
 */
async function findKey(onMissing) {
  const link = /^#key=([\w-]+)$/.exec(location.hash);
  if (link) {
    sessionStorage.setItem("studio-key", link[1]);
    history.replaceState(null, "", "#/"); // The address can then be shown and kept without the key.
  }
  const channel = new BroadcastChannel("studio-key");
  const answer = () => {
    channel.onmessage = (event) => {
      const key = sessionStorage.getItem("studio-key");
      if (event.data === "ask" && key) channel.postMessage({ key });
    };
  };
  const known = sessionStorage.getItem("studio-key");
  if (!known) {
    const ask = () => channel.postMessage("ask");
    const timer = setInterval(() => {
      onMissing();
      ask();
    }, 600);
    const given = await new Promise((resolve) => {
      channel.onmessage = (event) => event.data?.key && resolve(event.data.key);
      ask();
    });
    clearInterval(timer);
    sessionStorage.setItem("studio-key", given);
  }
  answer();
  return sessionStorage.getItem("studio-key");
}

const forgetKey = () => sessionStorage.removeItem("studio-key");

export { Changes, StudioApi, findKey, forgetKey };
