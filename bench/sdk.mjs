// The peer: Microsoft's own client reads all users page by page, each item a line of JSON.
// sdk.mjs ORIGIN OUT
import fs from 'node:fs';
import graph from '@microsoft/microsoft-graph-client';

const { Client, PageIterator } = graph;
const [origin, path] = process.argv.slice(2);
const client = Client.initWithMiddleware({
	authProvider: { getAccessToken: async () => 'not-a-token' },
	baseUrl: origin,
	customHosts: new Set([new URL(origin).hostname]),
});
const out = fs.openSync(path, 'w');
let objects = 0, lines = '';

function take(item) {
	objects++;
	lines += JSON.stringify(item) + '\n';
	if (lines.length > 1 << 20) {
		fs.writeSync(out, lines);
		lines = '';
	}
	return true;
}

await new PageIterator(client, await client.api('/users').top(999).get(), take).iterate();
fs.writeSync(out, lines);
console.log(objects);
