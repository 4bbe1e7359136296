// Draws the charts of a page over one time axis, with the decisions as marks that can be pointed
// at, and reached by keyboard. uPlot draws the lines.

const height = { load: 110, tasks: 130, latency: 110 };
const otherHeight = 150;
const manyPoints = 2000;
const gutter = 56; // of the values at the left, so that all panels have one axis

export function drawCharts(root) {
  const view = { root, panels: new Map(), marks: null, data: null, chosen: "" };
  const load = async () => {
    if ("values" in root.dataset) {
      root.classList.toggle("empty", !root.dataset.values);
      if (!root.dataset.values) { root.replaceChildren(element("p", "muted", "There is nothing to draw.")); return; }
      view.data = JSON.parse(root.dataset.values);
      view.data.panels ??= [];
      return draw(view);
    }
    const answer = await fetch(root.dataset.charts);
    if (!answer.ok) {
      if (!view.data) root.replaceChildren(element("p", "muted", `The charts could not be read: the server answered ${answer.status}. Load the page again to try once more.`));
      return;
    }
    view.data = await answer.json();
    view.data.panels ??= []; // there is nothing to draw yet
    await draw(view);
  };
  load().catch(() => {});
  new ResizeObserver(() => view.data && draw(view)).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { clear(view); view.data && draw(view); });
  return () => ("follow" in root.dataset || "values" in root.dataset ? load().catch(() => {}) : undefined);
}

function clear(view) {
  for (const p of view.panels.values()) p.plot.destroy();
  view.panels.clear();
  view.root.replaceChildren();
  view.marks = null;
}

// draw draws each panel of many points in a frame of its own, so that none takes long.
async function draw(view) {
  const { data, root } = view;
  const turn = (view.turn = (view.turn ?? 0) + 1);
  const shape = data.panels.map((p) => p.id + ":" + [...p.series, ...(p.lines ?? [])].map((s) => s.label)).join();
  if (view.shape !== shape) { clear(view); view.shape = shape; }
  root.classList.toggle("empty", !data.panels.length); // takes no room for what is not drawn
  if (!data.panels.length) {
    root.replaceChildren(element("p", "muted", "Nothing was measured in this time. Of what has just begun, a minute has to end first."));
    return;
  }
  const width = root.clientWidth - 28;
  if (!view.marks) {
    view.marks = element("div", "marks");
    view.marks.setAttribute("role", "group");
    view.marks.setAttribute("aria-label", "Scaling activities");
    root.replaceChildren(view.marks);
  }
  drawMarks(view, width);
  for (const p of data.panels) {
    if (p.times.length > manyPoints) await new Promise(requestAnimationFrame);
    if (view.turn !== turn) return; // it is being drawn anew
    const old = view.panels.get(p.id);
    if (old) update(old, p, data, width);
    else view.panels.set(p.id, create(view, p, width));
  }
}

function element(tag, name, text) {
  const e = document.createElement(tag);
  if (name) e.className = name;
  if (text !== undefined) e.textContent = text;
  return e;
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colors = { metric: "--blue", load: "--ink", good: "--good", desired: "--out", bad: "--bad", target: "--muted", threshold: "--out" };
const roleColor = (role) => color(colors[role] ?? "--ink");

function create(view, p, width) {
  const box = element("div", "panel");
  const title = element("h3");
  title.append(p.title);
  if (p.unit) title.append(element("span", "muted", p.unit));
  const values = p.series.map((s) => key(title, s.label, s.role, false));
  const lines = p.lines ?? [];
  for (const l of lines) key(title, l.label, l.role, true);
  box.append(title);
  view.root.append(box);
  const panel = { box, values, lines, data: view.data, series: p.series, times: p.times };
  panel.plot = new uPlot(options(view, panel, p, width), [p.times, ...p.series.map((s) => s.values)], box);
  describe(panel, p);
  latest(panel);
  return panel;
}

// key names a line in the title; its number is the newest value, or that under the pointer.
function key(title, label, role, dashed) {
  const k = element("span", "key");
  const stroke = element("i", "role-" + role + (dashed ? " dashed" : ""));
  k.append(stroke, label);
  const value = element("b");
  if (!dashed) k.append(value);
  title.append(k);
  return value;
}

function options(view, panel, p, width) {
  const ink = color("--muted"), grid = { stroke: color("--line"), width: 1 };
  const axis = { stroke: ink, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width, height: height[p.id] ?? otherHeight, padding: [6, 8, 0, 0],
    tzDate: (t) => uPlot.tzDate(new Date(t * 1000), "Etc/UTC"),
    cursor: { sync: { key: "time" }, drag: { x: false, y: false }, points: { size: 5 } },
    legend: { show: false },
    scales: {
      x: { time: true, range: () => [view.data.from, view.data.to] },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 0, ...panel.lines.map((l) => l.value), 1) * 1.08] },
    },
    axes: [
      { ...axis, space: 70, size: 26, values: (u, ticks) => ticks.map((t) => new Date(t * 1000).toISOString().slice(11, 16)) },
      { ...axis, size: gutter, space: 28, values: (u, ticks) => ticks.map(brief) },
    ],
    series: [{}, ...p.series.map((s) => ({
      label: s.label, stroke: roleColor(s.role), width: 1.6, spanGaps: !!p.steps, points: { show: false, filter: alone },
      paths: p.steps ? uPlot.paths.stepped({ align: 1 }) : undefined,
    }))],
    hooks: { drawClear: [(u) => under(u, view, panel)], setCursor: [(u) => latest(panel, u.cursor.idx)] },
  };
}

// alone are the values that no line leads to.
function alone(u, i) {
  const values = u.data[i], none = (v) => v === null || v === undefined;
  return values.map((_, at) => at).filter((at) => !none(values[at]) && none(values[at - 1]) && none(values[at + 1]));
}

// under draws targets, thresholds and decisions below the lines.
function under(u, view, panel) {
  const { ctx } = u, { left, top, width, height } = u.bbox;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const m of view.data.marks) {
    if (m.kind === "held" || m.at < view.data.from || m.at > view.data.to) continue;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    stroke(ctx, m.kind === "out" ? color("--out") : m.kind === "in" ? color("--blue") : color("--bad"), u.valToPos(m.at, "x", true), top, 0, height);
  }
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const l of panel.lines) stroke(ctx, roleColor(l.role), left, u.valToPos(l.value, "y", true), width, 0);
  if (view.data.at) {
    ctx.setLineDash([]);
    ctx.globalAlpha = 0.25;
    ctx.lineWidth = 4 * devicePixelRatio;
    stroke(ctx, color("--ink"), u.valToPos(view.data.at, "x", true), top, 0, height);
  }
  ctx.restore();
}

function stroke(ctx, style, x, y, dx, dy) {
  ctx.strokeStyle = style;
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x + dx, y + dy);
  ctx.stroke();
}

const brief = (v) => v === null || v === undefined ? "" : Math.abs(v) >= 1e6 ? (v / 1e6).toFixed(1) + "M" : Math.abs(v) >= 1e4 ? (v / 1e3).toFixed(0) + "k" : Math.abs(v) >= 100 ? v.toFixed(0) : String(Math.round(v * 100) / 100);

// latest shows the values at an index, or the newest.
function latest(panel, index) {
  panel.series.forEach((s, i) => {
    let at = index;
    if (at === null || at === undefined) at = s.values.findLastIndex((v) => v !== null);
    const text = brief(s.values[at]) || "–";
    if (panel.values[i].textContent !== text) panel.values[i].textContent = text;
  });
}

function update(panel, p, data, width) {
  Object.assign(panel, { data, series: p.series, times: p.times, lines: p.lines ?? [] });
  if (panel.plot.width !== width) panel.plot.setSize({ width, height: height[p.id] ?? otherHeight });
  panel.plot.setData([p.times, ...p.series.map((s) => s.values)]);
  describe(panel, p);
  latest(panel);
}

// describe says in words what a picture shows.
function describe(panel, p) {
  const canvas = panel.box.querySelector("canvas");
  canvas.setAttribute("role", "img");
  const parts = p.series.map((s) => {
    const values = s.values.filter((v) => v !== null);
    if (!values.length) return `${s.label} not measured`;
    return `${s.label} from ${brief(values[0])} to ${brief(values.at(-1))}, at most ${brief(values.reduce((a, b) => Math.max(a, b), -Infinity))}`;
  });
  canvas.setAttribute("aria-label", `${p.title}: ${parts.concat((p.lines ?? []).map((l) => l.label)).join("; ")}.`);
}

function drawMarks(view, width) {
  const { data, marks } = view;
  const focused = marks.contains(document.activeElement) ? document.activeElement.dataset.mark : null;
  const span = data.to - data.from, inner = width - gutter - 8;
  marks.replaceChildren(...data.marks.filter((m) => m.at >= data.from && m.at <= data.to).map((m) => {
    const b = element("button");
    b.type = "button";
    b.dataset.mark = m.id;
    b.style.left = gutter + ((m.at - data.from) / span) * inner + "px";
    b.title = new Date(m.at * 1000).toISOString().slice(11, 19) + " " + m.label;
    b.setAttribute("aria-label", b.title);
    b.setAttribute("aria-pressed", String(view.chosen === m.id));
    b.append(element("span", "mark " + m.kind));
    for (const kind of ["pointerenter", "focus", "click"]) b.addEventListener(kind, () => point(view, m));
    return b;
  }));
  if (focused) marks.querySelector(`[data-mark="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

// point shows all that is known of a decision, which the page has in its list.
function point(view, m) {
  if (view.chosen === m.id) return;
  view.chosen = m.id;
  const inner = document.querySelector("#" + CSS.escape(m.id) + " .inner");
  const box = document.getElementById("pointed");
  if (inner && box) {
    box.replaceChildren(...[...inner.childNodes].map((n) => n.cloneNode(true)));
    box.hidden = false;
  }
  for (const b of view.marks.children) b.setAttribute("aria-pressed", String(b.dataset.mark === m.id));
}
