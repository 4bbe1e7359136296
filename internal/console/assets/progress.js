// Shows how far a search is, as the server tells it, and its result when it has ended.
export function progress(root) {
  const source = new EventSource(root.dataset.progress);
  source.onmessage = (e) => {
    const now = JSON.parse(e.data);
    if (now.state !== "running") { source.close(); location.reload(); return; }
    document.getElementById("tried").textContent = now.tried;
    document.getElementById("progress").value = now.tried;
    document.getElementById("best").textContent = now.best;
  };
}
