// Are the requests that we sent those of Microsoft's OpenAPI? Stoplight's Prism judges.
// node contract.mjs OPENAPI.json REQUESTS.jsonl WORKDIR
// Each request of the file, and each inside a $batch, goes once to Prism where the document has its
// path and method. Prints {"judged": {"PATCH /v1.0/users/{id}": N, …}, "outside": {…},
// "broken": ["…", …], "controls": [status, …]} as JSON.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const [documentFile, requestsFile, folder] = process.argv.slice(2);
const START_TRIES = 200;
const START_WAIT_MS = 100;
const document = JSON.parse(readFileSync(documentFile, "utf8"));

// Microsoft's document takes any member of a body; a misspelt one is what we want to find.
for (const schema of Object.values(document.components.schemas))
	if (schema.type === "object" && schema.properties)
		schema.additionalProperties = false;

// ---- what was sent ---------------------------------------------------------------------------

function unwrapped(request) {
	if (!request.url.startsWith("/v1.0/$batch"))
		return [request];
	return JSON.parse(request.body).requests.map((item) => ({
		method: item.method,
		url: `/v1.0${item.url}`,
		headers: item.headers ?? {},
		body: item.body === undefined ? "" : JSON.stringify(item.body),
	}));
}

const sent = readFileSync(requestsFile, "utf8").trim().split("\n").map((line) => JSON.parse(line))
	.flatMap(unwrapped);

// ---- what the document has -------------------------------------------------------------------

function operationOf({ method, url }) {
	const segments = url.split("?")[0].split("/");
	const fits = (path) => {
		const pattern = path.split("/");
		return pattern.length === segments.length &&
			// The document has no delta: it is not an object of that id.
			pattern.every((part, i) => (part.startsWith("{") && segments[i] !== "delta") || part === segments[i]);
	};
	const path = Object.keys(document.paths).find(fits);
	const operation = path && document.paths[path][method.toLowerCase()];
	return operation && { name: `${method} ${path}`, operation };
}

function itemSchema(operation) {
	let schema = operation.responses["200"]?.content["application/json"].schema;
	schema = schema?.properties?.value.items ?? schema;
	return schema && document.components.schemas[schema.$ref.split("/").pop()];
}

// Directory extensions are a tenant's own: no description of Graph has them.
const EXTENSION = /^extension_[0-9a-f]{32}_\w+$/;

function withoutExtensions(method, body) {
	if (method !== "PATCH" || !body)
		return body;
	return JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(body)).filter(([name]) => !EXTENSION.test(name))));
}

// Prism does not look into $select.
function unknownNames({ url }, { operation }) {
	const select = new URLSearchParams(url.split("?")[1] ?? "").get("$select");
	const known = itemSchema(operation)?.properties;
	return select && known ? select.split(",").filter((name) => !(name in known || EXTENSION.test(name))) : [];
}

// ---- Prism -----------------------------------------------------------------------------------

async function freePort() {
	const server = createServer();
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	const { port } = server.address();
	await new Promise((done) => server.close(done));
	return port;
}

async function listens(port) {
	for (let i = 0; i < START_TRIES; i++) {
		const open = await new Promise((done) => {
			const socket = connect(port, "127.0.0.1", () => { socket.destroy(); done(true); });
			socket.on("error", () => done(false));
		});
		if (open)
			return;
		await sleep(START_WAIT_MS);
	}
	throw new Error("Prism does not listen");
}

writeFileSync(`${folder}/openapi.json`, JSON.stringify(document));
const port = await freePort();
const prism = spawn(process.execPath, [fileURLToPath(new URL("node_modules/.bin/prism", import.meta.url)),
	"mock", "--errors", "--host", "127.0.0.1", "--port", String(port), `${folder}/openapi.json`],
	{ stdio: "ignore" });
process.on("exit", () => prism.kill());
await listens(port);

async function judge({ method, url, headers, body }) {
	const answer = await fetch(`http://127.0.0.1:${port}${url}`, {
		method,
		headers: { ...headers, accept: "application/json" },
		body: body || undefined,
	});
	return { status: answer.status, text: await answer.text(), violations: answer.headers.get("sl-violations") };
}

// ---- the judgement ---------------------------------------------------------------------------

const report = { judged: {}, outside: {}, broken: [], controls: [] };
const seen = new Set();

for (const request of sent) {
	const operation = operationOf(request);
	const key = JSON.stringify([request.method, request.url, request.body]);

	if (seen.has(key))
		continue;
	seen.add(key);
	if (!operation) {
		const shape = request.url.split("?")[0].replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "{id}");
		report.outside[`${request.method} ${shape}`] = (report.outside[`${request.method} ${shape}`] ?? 0) + 1;
		continue;
	}
	report.judged[operation.name] = (report.judged[operation.name] ?? 0) + 1;
	const { status, text, violations } = await judge({ ...request, body: withoutExtensions(request.method, request.body) });
	const names = unknownNames(request, operation);
	if (status >= 300 || violations)
		report.broken.push(`${request.method} ${request.url} ${request.body}: ${status} ${violations ?? text}`);
	if (names.length)
		report.broken.push(`${request.method} ${request.url}: no property ${names}`);
}

// A judge that finds nothing wrong with these finds nothing.
const json = { "content-type": "application/json" };
for (const [method, url, body] of [
	["GET", "/v1.0/users?$top=many", ""],
	["PATCH", "/v1.0/users/1", "{\"department\":7}"],
	["PATCH", "/v1.0/users/1", "{\"deparment\":\"x\"}"],
	["PATCH", "/v1.0/groups/1", "[]"],
	["PATCH", "/v1.0/users/1", ""],
])
	report.controls.push((await judge({ method, url, headers: body ? json : {}, body })).status);

console.log(JSON.stringify(report));
prism.kill();
