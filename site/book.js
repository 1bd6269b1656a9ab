// The book's own script. It is run as soon as the page is there, before the theme's scripts.

unfold();
scrollWithKeyboard();
returnFocus();
layOutTheRest();

// What is folded opens where a link or a search leads into it, and all at once with a button. The
// answers to predictions and the solutions stay as they are: a reader opens them one by one.
function unfold() {
  const article = document.querySelector(".bd-article");
  if (!article) return;
  const parts = [...article.querySelectorAll("details:not(.solution, .predict details)")];

  // Opens what hides the element, and says whether anything did.
  const reveal = (element) => {
    // What leads to a part as a whole stands before what folds.
    const folds = [element.closest("section")?.querySelector(":scope > details.deeper")];
    for (let e = element.closest("details"); e; e = e.parentElement.closest("details")) folds.push(e);
    const closed = folds.filter((details) => details && !details.open);
    for (const details of closed) details.open = true;
    return closed.length > 0;
  };
  const follow = () => {
    const target = article.querySelector(":target");
    if (target && reveal(target)) target.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  addEventListener("load", follow); // only then a browser is sure to know where the link leads

  // The words that were searched for are marked by a script that runs later.
  const wanted = new URLSearchParams(location.search).get("highlight");
  if (wanted || localStorage.getItem("sphinx_highlight_terms")) {
    new MutationObserver(() => {
      parts.filter((part) => part.querySelector(".highlighted")).forEach(reveal);
    }).observe(article, { childList: true, subtree: true });
  }

  if (!article.querySelector("details.deeper")) return;
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "unfold" });
  const say = (folded) => (button.textContent = folded ? "Unfold everything" : "Fold everything");
  button.addEventListener("click", () => {
    const folded = parts.some((part) => !part.open);
    for (const part of parts) part.open = folded;
    say(!folded);
  });
  say(true);
  // The first box says how long the page takes to read.
  (article.querySelector(".admonition") ?? article.querySelector("h1")).append(button);
}

// What is wider than the text scrolls in a box of its own, which the keyboard must reach, too.
function scrollWithKeyboard() {
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  const boxes = "pre, figure, .katex-display, .output.text_html, .pst-scrollable-table-container";
  for (const box of document.querySelectorAll(boxes)) observer.observe(box);
}

// The theme forgets which button opened a side bar on a phone; when it closes, that has the focus.
function returnFocus() {
  for (const side of ["primary", "secondary"]) {
    const dialog = document.getElementById(`pst-${side}-sidebar-modal`);
    dialog?.addEventListener("close", () => document.querySelector(`.${side}-toggle`)?.focus());
  }
}

// What book.css leaves for later is laid out when the reader first does something, in eight pieces:
// all at once, it would keep a phone from answering for half a second.
function layOutTheRest() {
  const root = document.documentElement;
  if (!("later" in root.dataset)) return;
  const parts = [...document.querySelectorAll(".bd-article :is(section ~ section, dl.py ~ dl.py)")];
  const piece = Math.ceil(parts.length / 8);
  const soon = (next) => window.requestIdleCallback?.(next, { timeout: 500 }) ?? setTimeout(next);
  const next = () => {
    for (const part of parts.splice(0, piece)) part.style.contentVisibility = "visible";
    root.getBoundingClientRect(); // lays them out, before the next are
    if (parts.length) soon(next);
    else delete root.dataset.later;
  };
  const events = ["scroll", "pointermove", "pointerdown", "keydown", "resize"];
  const begin = () => {
    for (const event of events) removeEventListener(event, begin);
    soon(next);
  };
  for (const event of events) addEventListener(event, begin, { passive: true });
  // A link within the page needs all of it at once.
  addEventListener("hashchange", () => {
    if (!("later" in root.dataset)) return;
    delete root.dataset.later;
    document.querySelector(":target")?.scrollIntoView();
  });
}
