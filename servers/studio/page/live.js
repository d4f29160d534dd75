// State that follows the workspace: the list of trajectories, and the view of one.

import { useEffect, useState } from "./lib.js";

/** Calls `load` now and after relevant news, never twice at once and not too often; returns what ends that. */
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
  return () => {
    ended = true;
    unsubscribe();
  };
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
      ),
    [api],
  );
  return list;
}

function useView(api, changes, id) {
  const [state, setState] = useState({ view: null, error: "" });
  useEffect(() => {
    setState({ view: null, error: "" });
    return follow(
      changes,
      async (current) => {
        try {
          const view = await api.view(id);
          if (current()) setState({ view, error: "" });
        } catch (error) {
          // What is shown stays while the studio restarts.
          if (current() && error.code !== "offline") setState({ view: null, error: error.message });
        }
      },
      (news) => news.changed?.includes(id),
    );
  }, [api, id]);
  return { ...state, show: (view) => setState({ view, error: "" }) };
}

function useOnline(changes) {
  const [online, setOnline] = useState(changes.online);
  useEffect(() => changes.subscribe((news) => news.online !== undefined && setOnline(news.online)), [changes]);
  return online;
}

export { useList, useOnline, useView };
