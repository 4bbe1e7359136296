// Keeps a page up to date, draws its charts, and signs in by a link.
import { follow } from "./live.js";
import { drawCharts } from "./charts.js";
import { preview } from "./preview.js";
import { progress } from "./progress.js";

// A link of `flyball console` has its token behind #, where browsers do not send it.
const signIn = document.getElementById("sign-in");
if (signIn && location.hash.length > 1) {
  signIn.elements.token.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  signIn.requestSubmit();
}

const form = document.querySelector("[data-preview]");
const charts = document.querySelector("[data-charts]");
const redraw = charts ? drawCharts(charts) : null;
if (document.body.dataset.events) {
  follow(document.body.dataset.events, Number(document.body.dataset.refresh), redraw);
}
if (form) preview(form, charts, redraw);
const search = document.querySelector("[data-progress]");
if (search) progress(search);
