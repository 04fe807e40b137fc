// Talking to the bot: its events, and requests with the proof that they come from this page.

const SILENCE_MS = 8000;
export const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;

/** Send a request; resolves to the answer's JSON, rejects with one line for a person. */
export async function ask(path, { method = "GET", text, json = text === undefined ? undefined : { text } } = {}) {
  const options = { method, headers: { "X-CSRF-Token": meta("csrf") } };
  if (json !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(json);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The bot does not answer.");
  }
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error((await response.text()).trim() || `The bot answers ${response.status}.`);
  return response.json();
}

/**
 * Listen to the bot until the page closes; `onState` gets each new state, `onConnection` whether there is a connection.
 * What `choose` of the result is called with is the account that the states are about.
 */
export function listen(onState, onConnection, account = "") {
  let source, silence;
  const heard = () => {
    onConnection(true);
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
  };
  const again = () => {
    onConnection(false);
    clearTimeout(silence);
    source?.close();
    silence = setTimeout(open, 1000);
  };
  const open = () => {
    clearTimeout(silence);
    source?.close();
    source = new EventSource(`/api/events?${new URLSearchParams({ account })}`);
    source.addEventListener("same", heard);
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      // After a restart, the proofs of this page are no longer valid.
      if (state.boot !== meta("boot")) return location.reload();
      heard();
      onState(state);
    });
    source.onerror = again;
    silence = setTimeout(again, SILENCE_MS);
  };
  open();
  return {
    choose(login) {
      account = login;
      open();
    },
  };
}
