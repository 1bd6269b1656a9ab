// Renders formulas. Its argument is the path of KaTeX. For each line {"latex", "katex_options"} on
// standard input it writes one line, {"html"} or {"error"}; it ends when its input does.
const katex = require(process.argv[2]);

function render({ latex, katex_options }) {
  try {
    return { html: katex.renderToString(latex, katex_options) };
  } catch (error) {
    return { error: error.message };
  }
}

require("readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => process.stdout.write(`${JSON.stringify(render(JSON.parse(line)))}\n`));
