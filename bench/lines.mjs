// The peer: two sorted files of lines, merged and compared as bytes, unequal lines parsed and
// compared by member. lines.mjs BASE LIVE
import fs from 'node:fs';

function* linesOf(path) {
	const descriptor = fs.openSync(path, 'r');
	const buffer = Buffer.allocUnsafe(8 << 20);
	let kept = 0;
	for (;;) {
		const got = fs.readSync(descriptor, buffer, kept, buffer.length - kept, null);
		if (!got) return;
		const end = kept + got;
		let from = 0, newline;
		while ((newline = buffer.indexOf(10, from)) >= 0 && newline < end) {
			yield buffer.subarray(from, newline);
			from = newline + 1;
		}
		buffer.copy(buffer, 0, from, end);
		kept = end - from;
	}
}

const next = (lines) => { const { done, value } = lines.next(); return done ? null : value; };
const [base, live] = process.argv.slice(2).map(linesOf);
const out = [];
let a = next(base), b = next(live);
while (a || b) {
	if (a && b && a.equals(b)) { a = next(base); b = next(live); continue; }
	const x = a && JSON.parse(a), y = b && JSON.parse(b);
	if (!y || (x && x.id < y.id)) { out.push({ id: x.id, change: 'deleted' }); a = next(base); continue; }
	if (!x || y.id < x.id) { out.push({ id: y.id, change: 'created' }); b = next(live); continue; }
	for (const name of new Set([...Object.keys(x), ...Object.keys(y)]))
		if (JSON.stringify(x[name]) !== JSON.stringify(y[name]))
			out.push({ id: x.id, attribute: name, base: x[name], live: y[name] });
	a = next(base); b = next(live);
}
console.log(out.length);
