// The editor of a cell, loaded when it is first wanted: CodeMirror with what Python code needs.
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorView, drawSelection, keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

const look = document.createElement("link");
Object.assign(look, { rel: "stylesheet", href: new URL("editor.css", import.meta.url) });
document.head.append(look);

export class Editor {
  // In place of the code that `input` holds; `run` is called on Ctrl+Enter.
  constructor(input, text, { label, run, changed }) {
    let written = false;
    const extensions = [
      // Before the default keys, of which one would insert a line.
      keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }]),
      // Who only passes through with Tab changes nothing; who writes leaves with Escape, then Tab.
      keymap.of([{ key: "Tab", run: (view) => written && indentMore(view) }]),
      keymap.of([{ key: "Shift-Tab", run: (view) => written && indentLess(view) }]),
      keymap.of([...defaultKeymap, ...historyKeymap]),
      history(),
      python(),
      indentUnit.of("    "),
      indentOnInput(),
      bracketMatching(),
      drawSelection(),
      syntaxHighlighting(classHighlighter),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": `${label}. Escape, then Tab leaves it`, spellcheck: "false" }),
      EditorView.updateListener.of((update) => {
        written ||= update.docChanged;
        if (update.docChanged) changed(this.text());
      }),
    ];
    for (const code of input.children) code.hidden = true;
    this.view = new EditorView({ doc: text, extensions, parent: input });
    // The page's own shortcuts are not for who writes: "/" would go to the search.
    this.view.dom.addEventListener("keydown", (event) => event.stopPropagation());
  }

  text() {
    return this.view.state.doc.toString();
  }

  // Changes only what differs, so that the cursor stays where it is.
  set(text) {
    const before = this.text();
    const most = Math.min(before.length, text.length);
    let start = 0;
    let end = 0;
    while (start < most && before[start] === text[start]) start++;
    while (end < most - start && before.at(-1 - end) === text.at(-1 - end)) end++;
    const insert = text.slice(start, text.length - end);
    this.view.dispatch({ changes: { from: start, to: before.length - end, insert } });
  }

  focus() {
    this.view.focus();
  }
}
