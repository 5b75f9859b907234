// A service that is nothing but latency: every $batch is answered after so many milliseconds, a read
// with a user, a change with 204.
// batchd.mjs PORT LATENCY_MS KEY CERTIFICATE
import fs from 'node:fs';
import http2 from 'node:http2';

const [port, latency] = process.argv.slice(2, 4).map(Number);
const [key, cert] = process.argv.slice(4).map(path => fs.readFileSync(path));
const token = '{"token_type":"Bearer","expires_in":3600,"access_token":"not-a-token"}';

function answerOf({ id, method, url }) {
	if (method !== 'GET') return { id, status: 204, headers: { 'Cache-Control': 'no-cache' }, body: null };
	const user = /users\/([0-9a-f-]{36})/.exec(url)[1];
	return {
		id, status: 200, headers: { 'Content-Type': 'application/json' },
		body: { id: user, displayName: 'Name', userPrincipalName: `${user}@contoso.com` },
	};
}

http2.createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
	const came = performance.now();
	let text = '';
	request.on('data', piece => text += piece).on('end', () => {
		response.setHeader('Content-Type', 'application/json');
		if (!request.url.endsWith('$batch')) return response.end(token);
		const body = JSON.stringify({ responses: JSON.parse(text).requests.map(answerOf) });
		setTimeout(() => response.end(body), Math.max(0, latency - (performance.now() - came)));
	});
}).listen(port, '127.0.0.1');
