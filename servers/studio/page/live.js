// State that follows the workspace: the list of trajectories, and the view of one.

import { useEffect, useRef, useState } from "./lib.js";

/** Calls `load` now and after relevant news, never twice at once and not too often; returns what ends that and what asks again. */
function follow(changes, load, concerns, interval = 250) {
  let running = false;
  let again = false;
  let ended = false;
  const run = async () => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    do {
      again = false;
      await load(() => !ended);
      await new Promise((resolve) => setTimeout(resolve, interval));
    } while (again && !ended);
    running = false;
  };
  const unsubscribe = changes.subscribe((news) => (news.online || concerns(news)) && run());
  run();
  const end = () => {
    ended = true;
    unsubscribe();
  };
  return [end, run];
}

function useList(api, changes) {
  const [list, setList] = useState(null);
  useEffect(
    () =>
      follow(
        changes,
        async (current) => {
          const fresh = await api.list().catch(() => null);
          if (current() && fresh) setList(fresh.trajectories);
        },
        (news) => news.list || news.changed,
        1500,
      )[0],
    [api],
  );
  return list;
}

function useView(api, changes, id) {
  const [state, setState] = useState({ view: null, error: "" });
  const answers = useRef(0);
  const again = useRef();
  useEffect(() => {
    setState({ view: null, error: "" });
    const [end, run] = follow(
      changes,
      async (current) => {
        const before = answers.current;
        try {
          const view = await api.view(id);
          // What was asked before an action may be older than the action's answer, which asks again.
          if (current() && answers.current === before) setState({ view, error: "" });
        } catch (error) {
          // What is shown stays while the studio restarts.
          if (current() && answers.current === before && error.code !== "offline") setState({ view: null, error: error.message });
        }
      },
      (news) => news.changed?.includes(id),
    );
    again.current = run;
    return end;
  }, [api, id]);
  const show = (view) => {
    answers.current += 1;
    setState({ view, error: "" });
    again.current(); // The answer may have been overtaken by later news.
  };
  return { ...state, show };
}

function useOnline(changes) {
  const [online, setOnline] = useState(changes.online);
  useEffect(() => {
    setOnline(changes.online); // It may have changed since the first drawing.
    return changes.subscribe((news) => news.online !== undefined && setOnline(news.online));
  }, [changes]);
  return online;
}

export { useList, useOnline, useView };
