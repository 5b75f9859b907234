// A Graph that sends our program elsewhere, and listeners that catch everything that gets there.
// node catcher.mjs proxy UNSTAGE URLS CERTIFICATE KEY CA FOLDER
//   Microsoft's own hosts, played behind a proxy that takes every connection of the program: to any
//   host but these two, it keeps what comes. Each URL of the file is a nextLink once.
// node catcher.mjs direct UNSTAGE FOLDER
//   No proxy: Graph on one loopback port, catchers on others, and links, redirects and batch items
//   that point there.
// Nothing of it comes from a registry. Prints {"links": N, "followed": N, "caught": ["…"], "wrong": ["…"]} as JSON.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { connect, createServer as createTcp } from "node:net";

const TENANT = "11111111-2222-3333-4444-555555555555";
const CLIENT = "66666666-7777-8888-9999-000000000000";
const GROUP = "cccccccc-0000-4000-8000-000000000001";
const USER = "aaaaaaaa-0000-4000-8000-000000000001";
const RUN_LIMIT_MS = 20000;
const WORKERS = 4;
const [mode, unstage, ...rest] = process.argv.slice(2);
const report = { links: 0, followed: 0, caught: [], wrong: [] };

// ---- the program ----------------------------------------------------------------------------

// What it ends with: its status and what it says.
function run(folder, ...args) {
	const env = { HOME: folder, UNSTAGE_CONFIG: `${folder}/config`, PATH: process.env.PATH };
	return new Promise((done) => execFile(unstage, args, { env, timeout: RUN_LIMIT_MS },
		(error, stdout, stderr) => done({ status: error ? error.code ?? error.signal : 0, stderr })));
}

function profile(folder, lines) {
	mkdirSync(folder, { recursive: true });
	writeFileSync(`${folder}/secret`, "a~secret~that~no~other~host~may~see", { mode: 0o600 });
	writeFileSync(`${folder}/config`, ["[links]", `tenant = ${TENANT}`, `client_id = ${CLIENT}`,
		`client_secret_file = ${folder}/secret`, `state = ${folder}/state`, ...lines, ""].join("\n"));
}

// ---- Graph, as far as it is asked -------------------------------------------------------------

// A page in bytes: a link need not be UTF-8.
function pageWith(link) {
	const escaped = [...link].flatMap((byte) => {
		if (byte < 0x20)
			return [...Buffer.from(`\\u${byte.toString(16).padStart(4, "0")}`)];
		return byte === 0x22 || byte === 0x5c ? [0x5c, byte] : [byte];
	});
	return Buffer.concat([Buffer.from("{\"value\":[],\"@odata.nextLink\":\""), Buffer.from(escaped),
		Buffer.from("\"}")]);
}

const empty = "{\"value\":[]}";

function json(response, body, status = 200, headers = {}) {
	response.writeHead(status, { "Content-Type": "application/json", "Date": new Date().toUTCString(), ...headers });
	response.end(body);
}

function token(response) {
	json(response, JSON.stringify({ token_type: "Bearer", expires_in: 3600, access_token: "h.marked-token.s" }));
}

// Answers as Graph would, but for `play`, which may answer first. Keeps what was asked.
// The first batch of every run asks which directory extensions there are: none.
function isExtensions(request, body) {
	return request.url.startsWith("/v1.0/$batch") && body.includes("getAvailableExtensionProperties");
}

function graph(world) {
	return async (request, response) => {
		const pieces = [];
		for await (const piece of request)
			pieces.push(piece);
		const body = Buffer.concat(pieces).toString();
		const asked = `${request.method} ${request.url}`;

		world.asked.push({ asked, host: request.headers.host, body });
		if (isExtensions(request, body)) {
			json(response, JSON.stringify({ responses: JSON.parse(body).requests.map(({ id }) =>
				({ id, status: 200, body: { value: [] } })) }));
			return;
		}
		if (world.play?.(request, response, body))
			return;
		if (request.url.endsWith("/oauth2/v2.0/token"))
			token(response);
		else if (request.url.startsWith("/v1.0/organization"))
			json(response, JSON.stringify({ value: [{ id: TENANT, displayName: "Contoso" }] }));
		else if (/^\/v1\.0\/\w+\/delta\?/.test(request.url))
			json(response, JSON.stringify({ value: [], "@odata.deltaLink": `${world.origin}${request.url}` }));
		else
			json(response, empty);
	};
}

// A catcher that catches nothing proves nothing.
async function mustCatch(world, port, bytes) {
	await new Promise((done) => connect(port, "127.0.0.1").on("error", done).on("close", done).end(bytes));
	if (!world.caught.join().includes(bytes.split("\r")[0]))
		report.wrong.push(`the catcher does not catch ${bytes}`);
}

async function listen(server, host = "127.0.0.1") {
	await new Promise((done, failed) => server.once("error", failed).listen(0, host, done));
	return server.address().port;
}

// ---- behind a proxy -----------------------------------------------------------------------------

// A proxy that only knows Microsoft's two hosts.
function catchingProxy(world, tls) {
	return createTcp((socket) => {
		socket.on("error", () => {});
		socket.once("data", (first) => {
			const line = first.toString("latin1").split("\r\n")[0];
			if (!/^CONNECT (graph\.microsoft\.com|login\.microsoftonline\.com):443 HTTP\/1\.1$/.test(line)) {
				world.caught.push(first.toString("latin1"));
				socket.destroy();
				return;
			}
			socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
			tls.emit("connection", socket);
		});
	});
}

function vectors(file) {
	return readFileSync(file, "latin1").trim().split("\n").filter((line) => !line.startsWith("#"))
		.map((line) => {
			const [verdict, , shown] = line.split("\t");
			const url = Buffer.from(shown.replace(/\\x([0-9a-f]{2})/g,
				(all, hex) => String.fromCharCode(parseInt(hex, 16))), "latin1");
			// Of the file's origins, the program of this test has Microsoft's alone.
			const ours = /^https:\/\/graph\.microsoft\.com(:443)?\//i.test(shown);
			return { shown, url, allowed: verdict === "allow" && ours };
		});
}

async function tryLink(world, vector) {
	let linked = false;
	world.asked = [];
	world.caught = [];
	world.play = (request, response) => {
		if (linked || !request.url.startsWith("/v1.0/auditLogs/directoryAudits"))
			return false;
		linked = true;
		json(response, pageWith(vector.url));
		return true;
	};
	const { status, stderr } = await run(world.folder, "evidence", "--from", "1h", "--output",
		`${world.folder}/evidence.jsonl`);
	// the token, the organization, who holds roles and may synchronise, the first page
	const followed = world.asked.length - 5;

	report.links++;
	report.followed += followed;
	report.caught.push(...world.caught.map((bytes) => `${vector.shown}: ${bytes.slice(0, 200)}`));
	// 7: what is no UTF-8 is no JSON either; 8: refused by the gate
	if (!linked || followed !== (vector.allowed ? 1 : 0) ||
		!(vector.allowed ? [0] : [7, 8]).includes(status))
		report.wrong.push(`${vector.shown}: status ${status}, ${followed} more requests: ${stderr.slice(-300)}`);
	// libcurl writes no empty query.
	const expected = vector.url.toString().replace(/^[^/]*\/\/[^/]*/, "GET ").replace(/^([^?]*)\?$/, "$1");
	if (vector.allowed && world.asked.at(-1).asked !== expected)
		report.wrong.push(`${vector.shown}: asked for ${world.asked.at(-1).asked}`);
}

async function behindProxy(urls, certificate, key, ca, folder) {
	const waiting = vectors(urls);
	const servers = [];
	await Promise.all(Array.from({ length: WORKERS }, async (_, i) => {
		const world = { folder: `${folder}/${i}`, origin: "https://graph.microsoft.com", asked: [], caught: [] };
		const tls = createHttps({ cert: readFileSync(certificate), key: readFileSync(key) }, graph(world));
		const proxy = catchingProxy(world, tls);
		servers.push(proxy, tls);
		const port = await listen(proxy);
		await mustCatch(world, port, "CONNECT graph.microsoft.com:444 HTTP/1.1\r\n\r\n");
		profile(world.folder, [`proxy = http://127.0.0.1:${port}`, `ca_file = ${ca}`]);
		while (waiting.length)
			await tryLink(world, waiting.shift());
	}));
	for (const server of servers)
		server.close();
}

// ---- without one ----------------------------------------------------------------------------------

// Every way to write the catcher's address beside Graph's, as far as a reader may be fooled.
function linksTo(catchers, own) {
	const [four, other, six] = catchers;
	return [
		`http://127.0.0.1:${four}/v1.0/users`, `https://127.0.0.1:${four}/v1.0/users`,
		`http://localhost:${four}/v1.0/users`, `http://127.1:${four}/v1.0/users`,
		`http://0x7f.1:${four}/v1.0/users`, `http://2130706433:${four}/v1.0/users`,
		`http://0.0.0.0:${four}/v1.0/users`, `http://127.0.0.2:${other}/v1.0/users`,
		`http://[::1]:${six}/v1.0/users`, `http://[::ffff:127.0.0.1]:${four}/v1.0/users`,
		`http://127.0.0.1:${own}@127.0.0.1:${four}/v1.0/users`,
		`http://127.0.0.1:${own}\\@127.0.0.1:${four}/v1.0/users`,
		`http://127.0.0.1:${four}#@127.0.0.1:${own}/v1.0/users`,
		`http://127.0.0.1:${four}?@127.0.0.1:${own}/v1.0/users`,
		`http://127.0.0.1:${four}/@127.0.0.1:${own}/v1.0/users`,
		`http://user:password@127.0.0.1:${four}/v1.0/users`,
		`http://127.0.0.1%3a${four}/v1.0/users`, `//127.0.0.1:${four}/v1.0/users`,
		`http:/127.0.0.1:${four}/v1.0/users`, `http:///127.0.0.1:${four}/v1.0/users`,
		`HTTP://127.0.0.1:${four}/V1.0/users`, `ftp://127.0.0.1:${four}/v1.0/users`,
		`gopher://127.0.0.1:${four}/_GET`, `dict://127.0.0.1:${four}/x`, `smtp://127.0.0.1:${four}/x`,
		`ws://127.0.0.1:${four}/v1.0/users`, `telnet://127.0.0.1:${four}`,
	];
}

// How an answer may point elsewhere: what it answers to, and how.
const pointers = {
	"nextLink of a list": (link) => (request, response) =>
		request.url.startsWith("/v1.0/users?") && !json(response, pageWith(Buffer.from(link))),
	"nextLink in a batch": (link) => (request, response, body) => {
		if (request.url.startsWith("/v1.0/users?"))
			return !json(response, JSON.stringify({ value: [{ id: USER, userPrincipalName: "a@b.example" }] }));
		if (request.url.startsWith("/v1.0/groups?"))
			return !json(response, JSON.stringify({ value: [{ id: GROUP, groupTypes: [] }] }));
		if (!request.url.startsWith("/v1.0/$batch"))
			return false;
		return !json(response, JSON.stringify({ responses: JSON.parse(body).requests.map(({ id }) =>
			({ id, status: 200, body: { value: [], "@odata.nextLink": link } })) }));
	},
	"redirect of Graph": (link) => (request, response) =>
		request.url.startsWith("/v1.0/users?") && !json(response, "", 307, { Location: encodeURI(link) }),
	"redirect of the sign-in": (link) => (request, response) =>
		request.url.endsWith("/token") && !json(response, "", 308, { Location: encodeURI(link) }),
};

async function direct(folder) {
	const world = { folder, asked: [], caught: [] };
	const server = createHttp(graph(world));
	const port = await listen(server);
	world.origin = `http://127.0.0.1:${port}`;
	const catchers = ["127.0.0.1", "127.0.0.2", "::1"].map((host) => ({ host, server: createTcp((socket) => {
		world.caught.push(`a connection to ${host}`);
		socket.on("error", () => {}).on("data", (bytes) => {
			world.caught.push(bytes.toString("latin1"));
			socket.destroy();
		});
	}) }));
	const ports = [];
	for (const { host, server } of catchers)
		ports.push(await listen(server, host).catch(() => 1)); // a machine without IPv6
	await mustCatch(world, ports[0], "GET / HTTP/1.1\r\n\r\n");
	profile(folder, [`graph = http://127.0.0.1:${port}`, `authority = http://127.0.0.1:${port}`]);
	for (const [pointer, play] of Object.entries(pointers)) {
		// The sign-in is tried again for some seconds; how the link is written changes nothing there.
		for (const link of linksTo(ports, port).slice(0, pointer === "redirect of the sign-in" ? 1 : undefined)) {
			let pointed = false;
			const answer = play(link);
			world.caught = [];
			world.play = (...exchange) => answer(...exchange) && (pointed = true);
			const { status, stderr } = await run(folder, "snapshot", "--output", `${folder}/x.jsonl.zst`);

			report.links++;
			report.caught.push(...world.caught.map((bytes) => `${pointer} ${link}: ${bytes}`));
			// 8: refused by the gate; 6: an answer that nobody follows
			if (!pointed || status !== (pointer.startsWith("redirect") ? 6 : 8))
				report.wrong.push(`${pointer} ${link}: status ${status}: ${stderr.slice(-300)}`);
		}
	}
	server.close();
	for (const { server } of catchers)
		server.close();
}

await (mode === "proxy" ? behindProxy : direct)(...rest);
console.log(JSON.stringify(report));
process.exit(0);
