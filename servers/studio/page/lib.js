// Preact and htm, which `vendor/` ships unchanged, under the names that the page uses; and two hooks.

const { h, render } = self.preact;
const { useCallback, useEffect, useMemo, useRef, useState } = self.preactHooks;
const html = self.htm.bind(h);

/** Runs one action at a time: `busy` names it while it runs, `error` says why the last one failed. */
function useActions() {
  const [busy, setBusy] = useState("");
  const [error, setError] = useState("");
  const running = useRef(false);
  const run = useCallback(async (name, action) => {
    if (running.current) return undefined;
    running.current = true;
    setBusy(name);
    setError("");
    try {
      return await action();
    } catch (problem) {
      setError(problem.message || String(problem));
      return undefined;
    } finally {
      running.current = false;
      setBusy("");
    }
  }, []);
  return { busy, error, run, clear: () => setError("") };
}

let lastId = 0;
/** An id that is unique on the page, to tie labels to fields. */
const useId = (name) => useMemo(() => `${name}-${++lastId}`, []);

export { html, render, useActions, useCallback, useEffect, useId, useMemo, useRef, useState };
