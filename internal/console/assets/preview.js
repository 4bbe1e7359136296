// Shows what a form would do while it is being filled in: the server makes the page again for
// what is typed, and of that the outcome is shown.

import { connected } from "./live.js";

const pause = 300; // milliseconds without a key

export function preview(form, charts, redraw) {
  let timer = 0, turn = 0;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => show().catch(() => connected(false)), pause); });
  async function show() {
    const mine = ++turn;
    const address = location.pathname + "?" + new URLSearchParams(new FormData(form));
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (answer.status === 403) { location.reload(); return; } // to sign in, or to read why not
    connected(true);
    if (mine !== turn || !answer.ok) return; // something else was typed
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const outcome = fresh.getElementById("outcome"), drawn = fresh.querySelector("[data-charts]");
    document.getElementById("outcome")?.replaceWith(document.importNode(outcome, true));
    if (drawn?.dataset.values && charts) { // what is wrong leaves the last that was right
      charts.dataset.values = drawn.dataset.values;
      await redraw?.();
    }
    history.replaceState(null, "", address);
  }
}
