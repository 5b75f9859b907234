// A service that is nothing but latency: every $batch is answered after so many milliseconds, a read
// with a user as Graph sends one (null where nothing is set), a change with 204. Who was changed has a
// department.
// batchd.mjs PORT LATENCY_MS KEY CERTIFICATE
import fs from 'node:fs';
import https from 'node:https';

const [port, latency] = process.argv.slice(2, 4).map(Number);
const [key, cert] = process.argv.slice(4, 6).map(path => fs.readFileSync(path));
const tenant = '7a6f0f3e-51c8-4d0a-8a51-0f7d3d1b6c11';
const token = '{"token_type":"Bearer","expires_in":3600,"access_token":"not-a-token"}';
const organization = JSON.stringify({ value: [{ id: tenant, displayName: 'Contoso' }] });
const changed = new Set(), templates = new Map();

// What a $select asks for, without what tells users apart.
function templateOf(url) {
	const query = url.slice(url.indexOf('?'));
	if (!templates.has(query)) {
		const names = (/[$]select=([^&]*)/.exec(query) ?? [, ''])[1].split(',')
			.filter(name => name && !['id', 'displayName', 'userPrincipalName', 'department'].includes(name));
		templates.set(query, names.map(name => `,${JSON.stringify(decodeURIComponent(name))}:null`).join(''));
	}
	return templates.get(query);
}

function answerOf({ id, method, url }) {
	const user = /users\/([0-9a-f-]{36})/.exec(url)?.[1];
	if (!user)
		return `{"id":"${id}","status":200,"headers":{"Content-Type":"application/json"},"body":{"value":[]}}`;
	if (method !== 'GET') {
		changed.add(user);
		return `{"id":"${id}","status":204,"headers":{"Cache-Control":"no-cache"},"body":null}`;
	}
	const department = changed.has(user) ? '"Sales EMEA"' : 'null';
	return `{"id":"${id}","status":200,"headers":{"Content-Type":"application/json"},"body":{"id":"${user}",` +
		`"displayName":"Name","userPrincipalName":"${user}@contoso.com","department":${department}${templateOf(url)}}}`;
}

function answer(request, response) {
	const came = performance.now(), pieces = [];
	request.on('data', piece => pieces.push(piece)).on('end', () => {
		response.setHeader('Content-Type', 'application/json');
		if (request.url.includes('/organization')) return response.end(organization);
		if (!request.url.endsWith('$batch')) return response.end(token);
		const { requests } = JSON.parse(Buffer.concat(pieces));
		const body = `{"responses":[${requests.map(answerOf).join(',')}]}`;
		setTimeout(() => response.end(body), Math.max(0, latency - (performance.now() - came)));
	});
}

const server = https.createServer({ key, cert }, answer);
// Where an answer of more than the mark is still on its way, node 20 pauses its parser, and then takes the next
// request for a malformed one (HPE_PAUSED) and closes the connection.
server.on('secureConnection', socket => { socket._writableState.highWaterMark = 1 << 20; });
server.listen(port, '127.0.0.1');
