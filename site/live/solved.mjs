// On the first page: how many exercises of each chapter this reader has solved.

for (const link of document.querySelectorAll(".bd-article table a.reference")) {
  const chapter = new URL(link.href).pathname.split("/").pop().replace(".html", "");
  // As page.mjs keeps it.
  const kept = JSON.parse(localStorage.getItem(`adagrad-by-experiment page ${chapter}`));
  if (kept?.solved) {
    const mark = document.createElement("span");
    mark.className = "live-solved";
    mark.textContent = ` ✓ ${kept.solved} of ${kept.of} exercises solved`;
    link.after(mark);
  }
}
