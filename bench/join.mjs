// The peer where everything changed: DuckDB, both files as columns of JSON, a full outer join, and each
// column compared. join.mjs BASE LIVE OUT (BASE, LIVE: plain or .zst); prints how many objects changed
import { DuckDBInstance } from '@duckdb/node-api';

const [base, live, out] = process.argv.slice(2);
const database = await DuckDBInstance.create(':memory:', { threads: '2' });
const connection = await database.connect();
const described = await connection.runAndReadAll(
	`DESCRIBE SELECT * FROM read_json_auto('${base}', format='newline_delimited', sample_size=2000)`);
const names = described.getRows().map(([name]) => name).filter((name) => name !== 'id');
const columns = `{'id': 'VARCHAR', ${names.map((name) => `'${name}': 'JSON'`).join(', ')}}`;
const read = (path) => `read_json('${path}', format='newline_delimited', columns=${columns})`;
const differs = (name) => `b."${name}" IS DISTINCT FROM l."${name}"`;
const change = (name) => `CASE WHEN ${differs(name)} THEN {'attribute': '${name}', 'base': b."${name}", 'live': l."${name}"} END`;
await connection.run(`COPY (
	SELECT coalesce(b.id, l.id) AS id,
		list_filter([${names.map(change).join(', ')}], lambda x: x IS NOT NULL) AS changes
	FROM ${read(base)} b FULL OUTER JOIN ${read(live)} l ON b.id = l.id
	WHERE b.id IS NULL OR l.id IS NULL OR ${names.map(differs).join(' OR ')} ORDER BY 1)
	TO '${out}' (FORMAT json)`);
const counted = await connection.runAndReadAll(
	`SELECT count(*)::INTEGER FROM read_json_auto('${out}', format='newline_delimited')`);
console.log(counted.getRows()[0][0]);
