// Our client assertion beside that of Microsoft's library, as jose reads both.
// node assertion.mjs listen CERTIFICATE KEY FOLDER
//   A sign-in host that refuses everybody and keeps the form of each request as FOLDER/N.json;
//   prints its port.
// node assertion.mjs compare CERTIFICATE OURS.json THEIRS.json AUTHORITY TENANT CLIENT-ID
//   Prints {"ours": {…}, "theirs": {…}, "wrong": ["…"]} as JSON.
import { X509Certificate, createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { decodeProtectedHeader, importX509, jwtVerify } from "jose";

const BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const LIFETIME_S = 600; // MSAL's
const CLOCKS_S = 60; // between the two requests, at most
const ROUNDED_S = 1; // MSAL rounds to the next second, and is half of one early
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const [mode, ...rest] = process.argv.slice(2);

function listen(certificate, key, folder) {
	let count = 0;
	const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, async (request, response) => {
		const pieces = [];
		for await (const piece of request)
			pieces.push(piece);
		const form = Object.fromEntries(new URLSearchParams(Buffer.concat(pieces).toString()));

		writeFileSync(`${folder}/${++count}.json`, JSON.stringify({ url: request.url, form }));
		response.writeHead(401, { "Content-Type": "application/json" });
		response.end(JSON.stringify({ error: "invalid_client", error_description: "AADSTS700027: refused" }));
	}).listen(0, "127.0.0.1", () => console.log(server.address().port));
}

// What jose makes of the assertion, or what is wrong with it.
async function read(file, tolerance, certificate, authority, tenant, clientId) {
	const { url, form } = JSON.parse(readFileSync(file, "utf8"));
	const address = `${authority}/${tenant}/oauth2/v2.0/token`;
	const key = await importX509(certificate, "PS256");
	const verified = await jwtVerify(form.client_assertion, key, {
		algorithms: ["PS256"], audience: address, issuer: clientId, subject: clientId, typ: "JWT",
		requiredClaims: ["nbf", "exp", "jti"], clockTolerance: tolerance,
	});
	return { url, form, header: decodeProtectedHeader(form.client_assertion), claims: verified.payload };
}

const kinds = (object) => Object.fromEntries(Object.entries(object).sort()
	.map(([name, value]) => [name, typeof value]));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

async function compare(certificateFile, oursFile, theirsFile, authority, tenant, clientId) {
	const certificate = readFileSync(certificateFile, "utf8");
	const print = createHash("sha256").update(new X509Certificate(certificate).raw).digest("base64url");
	const [ours, theirs] = await Promise.all([[oursFile, 0], [theirsFile, ROUNDED_S]]
		.map((captured) => read(...captured, certificate, authority, tenant, clientId)));
	const wrong = [];
	const check = (what, holds) => holds || wrong.push(what);

	check("header fields", same(kinds(ours.header), kinds(theirs.header)));
	check("header values", ["alg", "typ", "x5t#S256"].every((name) => ours.header[name] === theirs.header[name]));
	check("x5t#S256", ours.header["x5t#S256"] === print);
	check("claims", same(kinds(ours.claims), kinds(theirs.claims)));
	check("aud, iss and sub", ["aud", "iss", "sub"].every((name) => ours.claims[name] === theirs.claims[name]));
	for (const { claims } of [ours, theirs])
		check("lifetime", claims.exp - claims.nbf === LIFETIME_S);
	check("clocks", Math.abs(ours.claims.nbf - theirs.claims.nbf) <= CLOCKS_S);
	check("jti is a GUID", GUID.test(ours.claims.jti) && GUID.test(theirs.claims.jti));
	check("jti is fresh", ours.claims.jti !== theirs.claims.jti);
	check("the form", ["client_id", "grant_type", "client_assertion_type"]
		.every((name) => ours.form[name] === theirs.form[name]) && ours.form.client_assertion_type === BEARER);
	check("no secret besides", !("client_secret" in ours.form));
	console.log(JSON.stringify({ ours: { header: ours.header, claims: ours.claims },
		theirs: { header: theirs.header, claims: theirs.claims }, wrong }));
}

await (mode === "listen" ? listen : compare)(...rest);
