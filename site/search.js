// The search page: runs after Sphinx's script for searching, and before the index is there.

document.querySelector(".bd-search-container input").focus();

// A result quotes its page, which no browser lets a script read on file://.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// It quotes the text alone: no menus, and each formula once instead of three times.
Search.htmlToText = (html, anchor) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const noise of page.querySelectorAll(".headerlink, .katex-mathml, h1")) noise.remove();
  const section = anchor && page.getElementById(anchor.slice(1));
  return (section || page.querySelector("article")).textContent;
};
