// Shows how far a search is, as the server tells it, and its result when it has ended.
import { connected } from "./live.js";

export function progress(root) {
  const source = new EventSource(root.dataset.progress);
  source.onerror = () => { // a server that has restarted knows no search, which the page says then
    if (source.readyState === EventSource.CLOSED) location.reload();
    else connected(false);
  };
  source.onmessage = (e) => {
    connected(true);
    const now = JSON.parse(e.data);
    if (now.state !== "running") { source.close(); location.reload(); return; }
    document.getElementById("tried").textContent = now.tried;
    document.getElementById("progress").value = now.tried;
    document.getElementById("best").textContent = now.best;
  };
}
