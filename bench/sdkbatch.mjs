// The peer: Microsoft's own client sends changes, twenty to a batch, so many batches at once.
// sdkbatch.mjs ORIGIN COUNT AT_ONCE
import graph from '@microsoft/microsoft-graph-client';

const { Client, BatchRequestContent, BatchResponseContent } = graph;
const [origin, countText, atOnceText] = process.argv.slice(2);
const count = Number(countText), batchMax = 20;
const client = Client.initWithMiddleware({
	authProvider: { getAccessToken: async () => 'not-a-token' },
	baseUrl: origin,
	customHosts: new Set([new URL(origin).hostname]),
});
const body = JSON.stringify({
	displayName: 'Name', department: 'Sales EMEA', onPremisesExtensionAttributes: { extensionAttribute1: 'CC00001' },
});
let next = 0, done = 0;

function stepOf(number, index) {
	const url = `${origin}/users/00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
	return {
		id: String(index + 1),
		request: new Request(url, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body }),
	};
}

async function send() {
	while (next < count) {
		const numbers = [];
		while (numbers.length < batchMax && next < count) numbers.push(next++);
		const content = await new BatchRequestContent(numbers.map(stepOf)).getContent();
		const answers = new BatchResponseContent(await client.api('/$batch').post(content));
		for (const [, answer] of answers.getResponses()) if (answer.status === 204) done++;
	}
}

const beganCpu = process.cpuUsage(), began = performance.now();
await Promise.all(Array.from({ length: Number(atOnceText) }, send));
const seconds = Math.round(performance.now() - began) / 1000, { user, system } = process.cpuUsage(beganCpu);
console.log(JSON.stringify({ done, seconds, processor: (user + system) / 1e6 }));
