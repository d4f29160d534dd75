// Preact and htm, which `vendor/` ships unchanged, under the names that the page uses; and two hooks.

const { h, render } = self.preact;
const { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } = self.preactHooks;
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

export { html, render, useActions, useEffect, useLayoutEffect, useMemo, useRef, useState };
