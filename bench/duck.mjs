// The peer: DuckDB, whole lines, an anti-join both ways; only unequal lines are parsed.
// duck.mjs BASE LIVE (plain or .zst)
import { DuckDBInstance } from '@duckdb/node-api';

const [base, live] = process.argv.slice(2);
const database = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await database.connect();
const read = (path) => `read_csv('${path}', header=false, delim='\\x01', quote='', escape='',
	columns={'line': 'VARCHAR'}, auto_detect=false, max_line_size=10000000)`;
const rows = (await connection.runAndReadAll(`
	SELECT line, sum(side) AS side FROM (
		SELECT line, 1 AS side FROM ${read(base)} UNION ALL SELECT line, -1 AS side FROM ${read(live)})
	GROUP BY line HAVING sum(side) <> 0`)).getRows();
const objects = new Map();
for (const [line, side] of rows) {
	const object = JSON.parse(line);
	const pair = objects.get(object.id) ?? {};
	pair[side > 0 ? 'base' : 'live'] = object;
	objects.set(object.id, pair);
}
let changes = 0;
for (const { base: x, live: y } of objects.values()) {
	if (!x || !y) { changes++; continue; }
	for (const name of new Set([...Object.keys(x), ...Object.keys(y)]))
		if (JSON.stringify(x[name]) !== JSON.stringify(y[name])) changes++;
}
console.log(changes);
