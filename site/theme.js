// The only script that a page waits for: without it, a page would be white before it is dark.

// Where a browser blocks storage even to ask for it is an error, here and in the theme's scripts:
// there a choice is remembered as long as the page is open.
for (const name of ["localStorage", "sessionStorage"]) {
  try {
    window[name].getItem("mode");
  } catch {
    const kept = new Map();
    const value = {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, item) => kept.set(key, String(item)),
      removeItem: (key) => kept.delete(key),
    };
    Object.defineProperty(window, name, { value });
  }
}

// Before anything is painted: light or dark, as chosen on an earlier visit or by the system.
{
  const root = document.documentElement.dataset;
  const paint = (mode) => {
    const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const theme = mode === "auto" ? (prefersDark ? "dark" : "light") : mode;
    Object.assign(root, { mode, theme });
  };
  paint(localStorage.getItem("mode") || "auto");
  // Paper is white, whatever the screen is.
  addEventListener("beforeprint", () => (root.theme = "light"));
  addEventListener("afterprint", () => paint(root.mode));
}

// A page that is visited from its top lays out what is far down when the reader does something: see
// book.js. Where a browser is to scroll at once, as to a link's place, it needs the whole page.
{
  const [visit] = performance.getEntriesByType("navigation");
  if (visit?.type === "navigate" && !location.hash) document.documentElement.dataset.later = "";
}
