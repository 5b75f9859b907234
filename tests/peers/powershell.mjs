// Is a script PowerShell? The grammar of tree-sitter judges.
// node powershell.mjs SCRIPT.ps1...
// Prints {"script": "…", "broken": ["(ERROR ", …], "nodes": N, "blocks": N, "tree": "its digest,
// without any text"} as JSON, a line for each script.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Language, Parser } from "web-tree-sitter";

const grammar = createRequire(import.meta.url).resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");

// The tree as one text is fast; going from node to node takes seconds.
function judge(parser, script) {
	const { rootNode } = parser.parse(readFileSync(script, "latin1"));
	const tree = rootNode.toString();
	const broken = tree.match(/\((ERROR|UNEXPECTED|MISSING)[^()]*/g) ?? [];

	if (rootNode.hasError && !broken.length)
		broken.push("somewhere");
	return {
		script,
		broken,
		nodes: tree.match(/\(/g).length,
		blocks: tree.match(/\(verbatim_here_string_characters\b/g)?.length ?? 0,
		tree: createHash("sha256").update(tree).digest("hex"),
	};
}

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(readFileSync(grammar)));
for (const script of process.argv.slice(2))
	console.log(JSON.stringify(judge(parser, script)));
