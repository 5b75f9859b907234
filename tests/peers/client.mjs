// Microsoft's own Graph client on our tenant: it lists, pages, filters, batches and patches.
// node client.mjs ORIGIN TENANT CLIENT-ID SECRET-FILE: prints what it saw as one JSON object.
import { readFileSync } from "node:fs";
import graph from "@microsoft/microsoft-graph-client";

const { Client, PageIterator, BatchRequestContent, BatchResponseContent } = graph;
const [origin, tenant, clientId, secretFile] = process.argv.slice(2);

async function token() {
	const answer = await fetch(`${origin}/${tenant}/oauth2/v2.0/token`, {
		method: "POST",
		body: new URLSearchParams({
			grant_type: "client_credentials",
			client_id: clientId,
			client_secret: readFileSync(secretFile, "utf8").trim(),
			scope: `${origin}/.default`,
		}),
	});
	return (await answer.json()).access_token;
}

const accessToken = await token();
const client = Client.initWithMiddleware({
	authProvider: { getAccessToken: async () => accessToken },
	baseUrl: origin,
	defaultVersion: "v1.0",
	// Without it the client sends no token to a host that is not Microsoft's.
	customHosts: new Set([new URL(origin).hostname]),
});

async function every(request) {
	const first = await request.get();
	const items = [];
	let pages = first["@odata.nextLink"] ? "more" : "one";

	await new PageIterator(client, first, (item) => items.push(item)).iterate();
	return { items, pages };
}

// A request in the form that the client's batch wants.
function inBatch(id, path, method = "GET", body = undefined) {
	const headers = body ? { "Content-Type": "application/json" } : {};
	return { id, request: new Request(`${origin}${path}`,
		{ method, headers, body: body && JSON.stringify(body) }) };
}

async function batch(...steps) {
	const content = await new BatchRequestContent(steps).getContent();
	return new BatchResponseContent(await client.api("/$batch").post(content));
}

async function refusal(promise) {
	return promise.then(() => "", (error) => `${error.statusCode} ${error.code}`);
}

const users = await every(client.api("/users").select("id,userPrincipalName,department,onPremisesSyncEnabled")
	.top(100));
const groups = await every(client.api("/groups").select("id,displayName").top(10));
const cloud = users.items.find((user) => !user.onPremisesSyncEnabled);
const synced = users.items.find((user) => user.onPremisesSyncEnabled);
const named = await client.api("/users").filter(`userPrincipalName eq '${cloud.userPrincipalName}'`)
	.select("id").get();
const counted = await client.api("/users").header("ConsistencyLevel", "eventual").count(true)
	.filter("startswith(userPrincipalName,'a')").select("id").top(999).get();

await client.api(`/users/${cloud.id}`).patch({ department: "Patched by another's client" });
const patched = await client.api(`/users/${cloud.id}`).select("department").get();

const answers = await batch(inBatch("1", `/users/${cloud.id}?$select=department`),
	inBatch("2", `/users/${cloud.id}`, "PATCH", { city: "Batch" }),
	inBatch("3", "/users/00000000-0000-4000-8000-000000000000?$select=id"));

console.log(JSON.stringify({
	users: users.items.length,
	distinct: new Set(users.items.map((user) => user.id)).size,
	pages: users.pages,
	groups: groups.items.length,
	filtered: named.value.map((user) => user.id).join() === cloud.id,
	counted: counted["@odata.count"] === counted.value.length && counted.value.length > 0,
	startingWithA: counted.value.length === users.items
		.filter((user) => user.userPrincipalName.toLowerCase().startsWith("a")).length,
	patched: patched.department,
	batch: ["1", "2", "3"].map((id) => answers.getResponseById(id).status).join(),
	inBatch: (await answers.getResponseById("1").json()).department,
	afterBatch: (await client.api(`/users/${cloud.id}`).select("city").get()).city,
	missing: await refusal(client.api("/users/00000000-0000-4000-8000-000000000000").get()),
	synced: await refusal(client.api(`/users/${synced.id}`).patch({ department: "x" })),
	unknown: await refusal(client.api(`/users/${cloud.id}`).patch({ noSuchProperty: "x" })),
}));
