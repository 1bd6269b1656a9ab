// The editor of a cell, loaded when it is first wanted: CodeMirror with what Python code needs.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
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
    const extensions = [
      // Before the default keys, of which one would insert a line. Escape, then Tab leaves.
      keymap.of([{ key: "Mod-Enter", run: () => (run(), true) }]),
      keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
      history(),
      python(),
      indentUnit.of("    "),
      indentOnInput(),
      bracketMatching(),
      drawSelection(),
      syntaxHighlighting(classHighlighter),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(this.text());
      }),
    ];
    for (const code of input.children) code.hidden = true;
    this.view = new EditorView({ doc: text, extensions, parent: input });
  }

  text() {
    return this.view.state.doc.toString();
  }

  set(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  focus() {
    this.view.focus();
  }
}
