// Joins pages of the site to one document, in the tab that shows the first, and fits it to paper.
// site/print_pdf.py runs it and prints the document. Returns its headings, for the contents, what
// does not fit, and links that lead nowhere.
async ({ site, files, css, height }) => {
  const root = document.documentElement;
  root.dataset.theme = "light";
  const published = document.querySelector("link[rel=canonical]")?.href.replace(`${files[0]}.html`, "");
  const make = (tag, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };
  const all = (within, selector) => [...within.querySelectorAll(selector)];

  // 1. The pages one after the other. What has the same id on two of them gets another.
  const taken = new Set();
  const pages = new Map();
  const number = { page: 0, answer: 0, place: 0 };
  const rename = (article) => {
    const names = new Map();
    for (const element of all(article, "[id]")) {
      const old = element.id;
      for (let n = 2; taken.has(element.id); n++) element.id = `${old}--${n}`;
      taken.add(element.id);
      names.set(old, element.id);
    }
    return names;
  };
  const addPage = (article, title) => {
    article.dataset.page = ++number.page;
    if (!article.querySelector("#in-practice-on-one-page")) article.style.page = `page-${number.page}`;
    return `@page page-${number.page} { @bottom-left { content: ${JSON.stringify(title)}; } }`;
  };
  const book = make("main");
  const rules = [];
  for (const file of files) {
    const url = `${site}/${file}.html`;
    const text = await (await fetch(url)).text();
    const parsed = new DOMParser().parseFromString(text, "text/html");
    const article = document.importNode(parsed.querySelector("article.bd-article"), true);
    const unwanted = ".headerlink, .sd-summary-state-marker, .pdf, .katex-mathml";
    for (const element of all(article, unwanted)) element.remove();
    for (const image of all(article, "img")) {
      image.src = new URL(image.getAttribute("src"), url);
      image.loading = "eager";
    }
    for (const link of all(article, "a[href]")) link.href = new URL(link.getAttribute("href"), url);
    for (const code of all(article, "details.hide")) code.replaceWith(...all(code, ".cell_input"));
    for (const details of all(article, "details.deeper")) {
      details.firstChild.replaceWith(...details.firstChild.childNodes);
      details.parentElement.classList.add("deeper");
      details.replaceWith(...details.childNodes);
    }
    for (const details of all(article, "details")) details.open = true;
    // Names and operators look like the code around them: half as many elements to lay out and tag.
    for (const word of all(article, "pre :is(.n, .nn, .o, .p, .w)")) {
      word.replaceWith(...word.childNodes);
    }
    article.normalize();
    rules.push(addPage(article, article.querySelector("h1").textContent));
    pages.set(url, { article, names: rename(article) });
    book.append(article);
  }

  // 2. Answers go to the back: who has not thought yet should not see them.
  const answers = make("article", { className: "bd-article answers" }, make("h1", { textContent: "Answers" }));
  const said = "To the predictions, in the order of the chapter, and then the solutions of its exercises.";
  answers.append(make("p", { textContent: said }));
  const moveAnswer = (section, title, place, label, content) => {
    const n = ++number.answer;
    place.id ||= `asked-${n}`;
    const here = make("a", { href: `#answer-${n}`, textContent: label });
    const back = make("a", { href: `#${place.id}` }, ...title);
    section.append(make("section", { id: `answer-${n}` }, make("h3", {}, back), ...content));
    return make("p", { className: "to-answer" }, here);
  };
  for (const { article } of pages.values()) {
    const title = article.querySelector("h1").cloneNode(true).childNodes;
    const section = make("section", { className: "answers" }, make("h2", {}, ...title));
    for (const [i, box] of all(article, ".predict").entries()) {
      const replies = all(box, "details");
      if (!replies.length) continue;
      const head = box.querySelector(".admonition-title");
      if (!/\d$/.test(head.textContent)) head.append(` ${i + 1}`);
      const list = make("ul");
      const content = replies.map((details) => {
        const words = details.querySelector(".sd-summary-text");
        list.append(make("li", {}, ...words.cloneNode(true).childNodes));
        const reply = make("p", { className: "reply" }, ...words.childNodes);
        return make("div", {}, reply, ...details.querySelector(".sd-summary-content").childNodes);
      });
      replies[0].before(list);
      for (const details of replies) details.remove();
      const place = box.closest("section").querySelector("h1, h2, h3");
      const where = make("span", { className: "where" }, " in ", ...place.cloneNode(true).childNodes);
      box.append(moveAnswer(section, [head.textContent, where], box, "Answers at the back", content));
    }
    const asked = all(article, ".exercise.admonition, details.solution");
    for (const [i, details] of asked.entries()) {
      if (!details.matches("details")) continue;
      const box = asked.slice(0, i).findLast((element) => element.matches(".exercise"));
      const title = box.querySelector(".admonition-title").textContent.match(/\((.*)\)/s)[1];
      const content = details.querySelector(".sd-summary-content").childNodes;
      const link = moveAnswer(section, [title], box, "Solution at the back", content);
      if (details.id) section.lastChild.firstChild.id = details.id;
      details.replaceWith(link);
    }
    if (section.children.length > 1) answers.append(section);
  }
  if (answers.querySelector("section")) {
    rules.push(addPage(answers, "Answers"));
    book.append(answers);
  }

  // 3. Links lead to places in this document, to others on the network, or nowhere.
  for (const link of all(book, "a[href]")) {
    const { href, hash } = link;
    if (link.getAttribute("href").startsWith("#") || !href.startsWith(site)) continue;
    const page = pages.get(href.slice(0, href.length - hash.length));
    const name = decodeURIComponent(hash.slice(1));
    // A link may set a figure, as #race:ratio=100 or #race-2. On paper that leads to the figure.
    const [, kind, n = 1] = name.match(/^([a-z]+)(?:-(\d+))?(?::|$)/) ?? [];
    const figures = page ? all(page.article, `.explorable[data-explorable="${kind}"]`) : [];
    const figure = page?.names.has(name) ? null : figures[n - 1];
    if (page && !(figure && published)) {
      const place = hash ? figure : page.article.querySelector("h1");
      if (place) place.id ||= `place-${++number.place}`;
      link.setAttribute("href", `#${place ? place.id : (page.names.get(name) ?? name)}`);
    } else if (published) link.href = published + href.slice(site.length + 1);
    else link.removeAttribute("href");
  }
  for (const still of all(book, ".x-still")) {
    const about = still.parentElement.querySelector("svg").getAttribute("aria-label");
    still.textContent = `${about} This is how it begins; it moves on the website.`;
  }

  // Chromium prints a link to nowhere as if it were none.
  const places = new Set(all(book, "[id]").map((element) => element.id));
  const lost = all(book, "a[href^='#']")
    .map((link) => decodeURIComponent(link.hash.slice(1)))
    .filter((name) => !places.has(name));

  // 4. The document, on paper.
  document.head.append(make("style", { textContent: [css, ...rules].join("\n") }));
  document.body.replaceChildren(book);
  await document.fonts.ready;
  await Promise.all([...document.images].map((image) => image.decode()));
  const limit = book.getBoundingClientRect();
  // A table or a formula that is too wide is set smaller.
  for (const box of all(book, ".katex-display, .output.text_html, .pst-scrollable-table-container")) {
    const inner = box.querySelector("table, .katex-html") ?? box;
    for (let size = 100; box.scrollWidth > box.clientWidth + 1 && size > 60; size -= 4) {
      inner.style.fontSize = `${size}%`;
    }
  }
  // What is tall may break over two pages, or a third of a page would be left white.
  for (const box of all(book, "pre, table, .admonition")) {
    if (box.getBoundingClientRect().height > height / 3) box.classList.add("tall");
  }
  const clipped = [];
  const boxes = "pre, figure, table, .katex-display, .output.text_html, .pst-scrollable-table-container";
  for (const element of all(book, "*:not(.katex *, svg *), .katex .base")) {
    const { width, right, left } = element.getBoundingClientRect();
    const outside = width && (right > limit.right + 1 || left < limit.left - 1);
    if (outside || (element.matches(boxes) && element.scrollWidth > element.clientWidth + 1)) {
      const page = element.closest("article").querySelector("h1").textContent;
      clipped.push(`${page}: <${element.localName}> ${element.textContent.trim().slice(0, 60)}`);
    }
  }
  const headings = all(book, "h1, h2, h3").map((heading) => {
    const words = heading.cloneNode(true);
    for (const link of all(words, "a")) link.replaceWith(...link.childNodes);
    for (const element of all(words, "[id]")) element.removeAttribute("id");
    return { level: Number(heading.localName[1]), html: words.innerHTML, text: words.textContent };
  });
  return { headings, clipped, lost };
}
