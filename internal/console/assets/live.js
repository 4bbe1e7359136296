// A page is made by the server. This asks for it again when something has happened, and puts the
// parts that have changed in the place of those that are shown.

const soonest = 1000; // milliseconds between two requests
const kept = 1000; // for how long the server shows again what it has read of its state

export function follow(events, every, redraw) {
  const page = { events, every, redraw, source: null, timer: 0, last: Date.now(), busy: false, changed: 0, rested: false };
  const wake = () => (document.hidden ? rest(page) : listen(page));
  document.addEventListener("visibilitychange", wake);
  wake();
}

// rest: a page that nobody sees costs nothing. Browsers allow six connections to a server.
function rest(page) {
  page.source?.close();
  page.source = null;
  page.rested = true;
  clearTimeout(page.timer);
  page.timer = 0;
}

function listen(page) {
  if (page.source) return;
  page.source = new EventSource(page.events);
  page.source.addEventListener("begin", () => { connected(true); schedule(page, kept); }); // what is shown may be from before
  page.source.addEventListener("restart", () => { connected(true); changed(page); });
  page.source.addEventListener("missed", () => changed(page));
  page.source.addEventListener("change", () => changed(page));
  page.source.onerror = () => lost(page);
  if (page.rested) changed(page);
  page.rested = false;
}

function changed(page) {
  page.changed = Date.now();
  schedule(page, 0);
}

// lost: browsers come back by themselves, unless the server has refused.
function lost(page) {
  connected(false);
  if (page.source?.readyState !== EventSource.CLOSED) return;
  page.source = null;
  setTimeout(() => { if (!document.hidden) { listen(page); refresh(page); } }, 3000);
}

// connected says whether the server answers.
export function connected(yes) {
  const link = document.getElementById("link");
  if (!link) return;
  link.hidden = yes;
  link.textContent = yes ? "" : "The server does not answer. What you see is from before; this page goes on by itself when it is back.";
}

function schedule(page, delay) {
  const at = Math.max(page.last + soonest, Date.now() + delay);
  if (page.timer && page.at <= at) return;
  clearTimeout(page.timer);
  page.at = at;
  page.timer = setTimeout(() => refresh(page), at - Date.now());
}

async function refresh(page) {
  clearTimeout(page.timer);
  page.timer = 0;
  if (page.busy || document.hidden) return;
  page.busy = true;
  const began = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(20_000) });
    if (answer.status === 403) { location.reload(); return; }
    if (answer.ok) {
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      await page.redraw?.();
    }
  } catch {
    connected(false);
  } finally {
    page.busy = false;
    page.last = Date.now();
    schedule(page, page.changed > began - kept ? 0 : page.every); // the answer may be from before the change
  }
}

function show(fresh) {
  const version = (d) => d.querySelector("meta[name=version]")?.content;
  if (version(fresh) !== version(document)) { location.reload(); return; } // another release serves
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(part.id);
    if (old && old.innerHTML !== part.innerHTML) replace(old, document.importNode(part, true));
  }
}

// replace keeps what the reader has opened, selected and focused.
function replace(old, fresh) {
  const selection = getSelection();
  if (!selection.isCollapsed && old.contains(selection.anchorNode)) return; // after it
  for (const open of old.querySelectorAll("details[open]")) {
    const same = open.id && fresh.querySelector("#" + CSS.escape(open.id));
    if (same) same.open = true;
  }
  const focused = old.contains(document.activeElement) ? pathOf(document.activeElement, old) : null;
  const scrolled = [...old.querySelectorAll(".scroll")].map((e) => e.scrollLeft);
  old.replaceWith(fresh);
  fresh.querySelectorAll(".scroll").forEach((e, i) => { e.scrollLeft = scrolled[i] ?? 0; });
  if (focused) find(fresh, focused)?.focus({ preventScroll: true });
}

function pathOf(element, root) {
  const key = element.getAttribute("href");
  if (key) return { key };
  const owner = element.closest("[id]");
  return { id: owner && owner !== root ? owner.id : "", tag: element.tagName, index: [...root.querySelectorAll(element.tagName)].indexOf(element) };
}

function find(root, path) {
  if (path.key) return root.querySelector(`[href="${CSS.escape(path.key)}"]`);
  const owner = path.id && root.querySelector("#" + CSS.escape(path.id));
  return owner ? owner.querySelector(path.tag) ?? owner : root.querySelectorAll(path.tag)[path.index];
}
