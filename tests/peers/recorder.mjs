// Stands between a client and the simulated tenant and writes down every request, a JSON line
// each, before it passes it on. Never a token, and never what is sent to the token endpoint.
// node recorder.mjs PORT BACKEND-PORT FILE: prints a line once it listens.
import { appendFileSync } from "node:fs";
import { createServer, request as send } from "node:http";

const [port, backend, file] = process.argv.slice(2);
const secretHeaders = ["authorization", "host", "connection", "content-length"];

function note({ method, url, headers }, body) {
	if (url.endsWith("/oauth2/v2.0/token"))
		return;
	const shown = Object.fromEntries(Object.entries(headers).filter(([name]) => !secretHeaders.includes(name)));
	appendFileSync(file, JSON.stringify({ method, url, headers: shown, body: body.toString() }) + "\n");
}

createServer(async (request, response) => {
	const pieces = [];
	for await (const piece of request)
		pieces.push(piece);
	const body = Buffer.concat(pieces);
	const { method, url: path, headers } = request;

	note(request, body);
	send({ host: "127.0.0.1", port: backend, method, path, headers }, (answer) => {
		response.writeHead(answer.statusCode, answer.headers);
		answer.pipe(response);
	}).on("error", () => response.destroy()).end(body);
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));
