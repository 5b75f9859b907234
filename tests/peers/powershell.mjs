// Is a script PowerShell? The grammar of tree-sitter judges.
// node powershell.mjs SCRIPT.ps1...
// Prints {"script": "…", "broken": ["ERROR at 3:1", …], "nodes": N, "code": "digest of the tree
// without the block of data"} as JSON, a line for each script.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Language, Parser } from "web-tree-sitter";

const grammar = createRequire(import.meta.url).resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");
const BLOCK = "verbatim_here_string_characters";

function* nodesOf(cursor, depth = 0) {
	yield [cursor.currentNode, depth];
	if (cursor.gotoFirstChild()) {
		do
			yield* nodesOf(cursor, depth + 1);
		while (cursor.gotoNextSibling());
		cursor.gotoParent();
	}
}

function judge(parser, script) {
	const tree = parser.parse(readFileSync(script, "latin1"));
	const broken = [];
	const code = createHash("sha256");
	let nodes = 0, blocks = 0;

	for (const [node, depth] of nodesOf(tree.walk())) {
		const place = `${node.startPosition.row + 1}:${node.startPosition.column + 1}`;
		nodes++;
		if (node.isError || node.isMissing)
			broken.push(`${node.isMissing ? "missing " : ""}${node.type} at ${place}`);
		blocks += node.type === BLOCK;
		const text = node.childCount || node.type === BLOCK ? "" : node.text;
		code.update(`${depth} ${node.type} ${text}\n`);
	}
	return { script, broken, nodes, blocks, code: code.digest("hex") };
}

await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(readFileSync(grammar)));
for (const script of process.argv.slice(2))
	console.log(JSON.stringify(judge(parser, script)));
