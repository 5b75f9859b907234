#!/usr/bin/env bash
# A snapshot made from the one before it and what changed.
. "$(dirname "$0")/library.sh"

require_tools jq zstd sha256sum sqlite3 python3

start_tenant tenant --begin 2026-03-04T02:00:00Z || give_up

lines() { # FILE: a digest of all object lines
	zstd -dcq "$1" | tail -n +2 | sha256sum
}

# The description in the index: the second record behind the index's first 16 bytes.
description() { # FILE
	python3 - "$1" <<-'PYTHON'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		offset, length = struct.unpack("<QQ", data[-56:-40])
		index = data[offset:offset + length]
		size = struct.unpack("<I", index[16:20])[0]
		sys.stdout.write(index[20:20 + size].decode())
	PYTHON
}

# Frames but the header line's: for each, the digest of its lines and that of its bytes.
frames() { # FILE
	python3 - "$1" <<-'PYTHON'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		offset, length = struct.unpack("<QQ", data[-56:-40])
		index = data[offset:offset + length]
		at = 20 + struct.unpack("<I", index[16:20])[0]
		count = struct.unpack("<I", index[at:at + 4])[0]
		for i in range(1, count):
		    entry = index[at + 4 + 88 * i:at + 4 + 88 * (i + 1)]
		    print(entry[24:56].hex(), entry[56:88].hex())
	PYTHON
}

identity() { # FILE
	"$UNSTAGE" show "$1" --json 2>/dev/null | jq -r .identity
}

expect 0 "$UNSTAGE" snapshot --output first.jsonl.zst || give_up

sentence "a whole one is the first of its chain and says where changes are told"
same "previous" null "$(description first.jsonl.zst | jq -r .previous)"
same "sequence" 0 "$(description first.jsonl.zst | jq -r .sequence)"
same "kinds whose changes are told" "contact group user" \
	"$(description first.jsonl.zst | jq -r '.deltaLinks | keys | join(" ")')"

sentence "where nothing changed, every frame is copied"
expect 0 "$UNSTAGE" snapshot --since first.jsonl.zst --output nothing.jsonl.zst
same "frames" "$(frames first.jsonl.zst)" "$(frames nothing.jsonl.zst)"
same "when owners were read" "$(description first.jsonl.zst | jq -r .relationsRead)" \
	"$(description nothing.jsonl.zst | jq -r .relationsRead)"

say day && say incident || give_up

sentence "with what changed it has the lines of a whole one"
before=$(query 'SELECT count(*) FROM requests')
expect 0 "$UNSTAGE" snapshot --since nothing.jsonl.zst --owners-every 30d --output second.jsonl.zst || give_up
since=$(($(query 'SELECT count(*) FROM requests') - before))
expect 0 "$UNSTAGE" snapshot --output whole.jsonl.zst
same "lines" "$(lines whole.jsonl.zst)" "$(lines second.jsonl.zst)"
same "plain digests" "$(frames whole.jsonl.zst | cut -d' ' -f1)" "$(frames second.jsonl.zst | cut -d' ' -f1)"
differ "the lines of before" "$(lines first.jsonl.zst)" "$(lines second.jsonl.zst)"
expect 0 "$UNSTAGE" verify second.jsonl.zst
at_least "requests" 1 "$since"

sentence "it names the one it follows, and its place behind it"
same "previous" "$(identity nothing.jsonl.zst)" "$(description second.jsonl.zst | jq -r .previous)"
same "sequence" 2 "$(description second.jsonl.zst | jq -r .sequence)"

sentence "threads pack it only when nobody is connected any more"
if command -v strace >/dev/null && strace -qq -o /dev/null true 2>/dev/null; then
	expect 0 strace -f -qq -e trace=network,clone,clone3 -o calls "$UNSTAGE" snapshot --output by-threads.jsonl.zst
	same "lines" "$(lines whole.jsonl.zst)" "$(lines by-threads.jsonl.zst)"
	at_least "requests" 1 "$(grep -c 'sendto(' calls)"
	[ "$(nproc)" -eq 1 ] || at_least "threads" 1 "$(grep -c 'CLONE_THREAD' calls)"
	same "calls to the network beside threads" "" \
		"$(sed '1,/CLONE_THREAD/d' calls | grep -E '(socket|connect|sendto|recvfrom|recvmsg|sendmsg)\(')"
fi

sentence "owners that are older than said are read again"
expect 0 "$UNSTAGE" snapshot --since second.jsonl.zst --owners-every 1m --output owners.jsonl.zst
same "lines" "$(lines whole.jsonl.zst)" "$(lines owners.jsonl.zst)"
differ "when owners were read" "$(description second.jsonl.zst | jq -r .relationsRead)" \
	"$(description owners.jsonl.zst | jq -r .relationsRead)"

sentence "a damaged one is refused, and nothing is written"
cp second.jsonl.zst damaged.jsonl.zst
size=$(zstd -dcq second.jsonl.zst | head -n 1 | zstd -q3 | wc -c)
printf '\xff' | dd of=damaged.jsonl.zst bs=1 seek=$((size + 300)) conv=notrunc status=none
expect 7 "$UNSTAGE" snapshot --since damaged.jsonl.zst --output none.jsonl.zst
said "damaged"
[ ! -e none.jsonl.zst ] || wrong "there is a file"

sentence "one of another tenant is refused"
expect 8 "$UNSTAGE" snapshot --since "$SOURCE/tests/data/snapshots/tiny.jsonl.zst" --output none.jsonl.zst
said "is of the tenant"
[ ! -e none.jsonl.zst ] || wrong "there is a file"

sentence "with a link that the service does not know all is read, and that is said"
python3 - <<'PYTHON'
import json, re, struct, subprocess
data = open("second.jsonl.zst", "rb").read()
offset, length = struct.unpack("<QQ", data[-56:-40])
index = data[offset:offset + length]
size = struct.unpack("<I", index[16:20])[0]
text = json.loads(index[20:20 + size])
def digest(of):
    return bytes.fromhex(subprocess.run(["b3sum", "--no-names"], input=of, capture_output=True, check=True).stdout.decode())
def write(name, change):
    links = {kind: change(link) for kind, link in text["deltaLinks"].items()}
    meta = json.dumps({**text, "deltaLinks": links}, separators=(",", ":"), sort_keys=True).encode()
    made = index[:16] + struct.pack("<I", len(meta)) + meta + index[20 + size:]
    with open(name, "wb") as file:
        file.write(data[:offset - 8] + struct.pack("<II", 0x184D2A5E, len(made) + 56) + made)
        file.write(struct.pack("<QQ", offset, len(made)))
        file.write(digest(made) + b"unstgix\n")
write("lost.jsonl.zst", lambda link: re.sub(r"deltatoken=.*", "deltatoken=forgotten", link))
write("abroad.jsonl.zst", lambda link: re.sub(r"^http://[^/]*", "https://elsewhere.example", link))
PYTHON
expect 0 "$UNSTAGE" snapshot --since lost.jsonl.zst --output found.jsonl.zst
said "everything is read"
same "lines" "$(lines whole.jsonl.zst)" "$(lines found.jsonl.zst)"
same "previous" "$(identity lost.jsonl.zst)" "$(description found.jsonl.zst | jq -r .previous)"

sentence "a link to another host is not followed"
expect 8 "$UNSTAGE" snapshot --since abroad.jsonl.zst --output none.jsonl.zst
[ ! -e none.jsonl.zst ] || wrong "there is a file"

sentence "a name stands for the one before, and the next is kept"
expect 0 "$UNSTAGE" snapshot
expect 0 "$UNSTAGE" snapshot --since latest
same "lines" "$(lines whole.jsonl.zst)" "$(lines "$(find tenant/state -name '*.jsonl.zst' -newer whole.jsonl.zst | sort | tail -n 1)")"

finish
