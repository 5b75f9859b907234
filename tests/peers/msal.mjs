// Microsoft's token library on our tenant, or on an authority that only listens.
// node msal.mjs ORIGIN TENANT CLIENT-ID secret FILE
// node msal.mjs ORIGIN TENANT CLIENT-ID certificate CERTIFICATE.pem KEY.pem
// Prints the token's kind, lifetime and first use as one JSON object; a refusal as {"error": …}.
import { X509Certificate, createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfidentialClientApplication } from "@azure/msal-node";

const [origin, tenant, clientId, sort, ...files] = process.argv.slice(2);

const credentials = {
	secret: (file) => ({ clientSecret: readFileSync(file, "utf8").trim() }),
	certificate: (certificate, key) => {
		const { raw } = new X509Certificate(readFileSync(certificate));
		return { clientCertificate: {
			thumbprintSha256: createHash("sha256").update(raw).digest("hex"),
			privateKey: readFileSync(key, "utf8"),
		} };
	},
};

// What it would ask Microsoft for; the simulated tenant is in no directory of theirs.
const authority = `${origin}/${tenant}`;
const metadata = {
	authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
	token_endpoint: `${authority}/oauth2/v2.0/token`,
	issuer: `${authority}/v2.0`,
	jwks_uri: `${authority}/discovery/v2.0/keys`,
};

const application = new ConfidentialClientApplication({ auth: {
	clientId,
	authority,
	knownAuthorities: [new URL(origin).host],
	authorityMetadata: JSON.stringify(metadata),
	...credentials[sort](...files),
} });

async function ask() {
	const token = await application.acquireTokenByClientCredential({ scopes: [`${origin}/.default`] });
	const users = await fetch(`${origin}/v1.0/users?$select=id&$top=5`,
		{ headers: { Authorization: `Bearer ${token.accessToken}` } });
	return {
		type: token.tokenType,
		tenant: token.tenantId,
		minutes: Math.round((token.expiresOn - Date.now()) / 60000),
		users: users.ok ? (await users.json()).value.length : users.status,
	};
}

console.log(JSON.stringify(await ask().catch((error) => ({ error: error.errorMessage ?? String(error) }))));
