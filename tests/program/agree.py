"""Compares two snapshots by its own rules, and its rows with those of `unstage diff --json`:

    agree.py ATTRIBUTES.md BASE.lines LIVE.lines FINDINGS.jsonl

The lines are what zstdcat prints. It knows what the documents say: which attributes there are and how each
compares (docs/ATTRIBUTES.md), and what is a row (docs/FORMAT-findings.md). Prints how many rows both
have of each sort, or the first that only one has.
"""
import collections
import json
import re
import sys

SERVICE_DOMAINS = (".onmicrosoft.com", ".microsoftonline.com", ".onmicrosoft.us", ".partner.onmschina.cn")
HEADINGS = {"Users": "user", "Groups": "group", "Contacts": "contact"}
NOTHING = "null"

CHANGES = {  # what there was, what there is: an object may be there, lie in deleted items, or be gone
    ("none", "live"): "created", ("none", "deleted"): "deleted", ("live", "none"): "deleted",
    ("live", "deleted"): "deleted", ("deleted", "live"): "restored", ("deleted", "none"): "purged",
}


def read_table(path):
    table, kind = {}, None
    for line in open(path, encoding="utf-8"):
        if line.startswith("## "):
            kind = HEADINGS.get(line.split()[1])
        row = re.match(r"\| `([^`]+)` \| (\S+) \| (\S+) \|", line)
        if kind and row:
            table.setdefault(kind, {})[row[1]] = row[3]
    return table


def dump(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def objects(path):
    """Each object with its parts put together, in the order of the file."""
    found = None
    with open(path, encoding="utf-8") as lines:
        next(lines)  # the header
        for line in lines:
            made = json.loads(line)
            part = made.pop("part", None)
            if part is None:
                if found:
                    yield found
                found = made
            else:
                name = part.split(":")[0]
                found.setdefault(name, []).extend(made[name])
    if found:
        yield found


def pairs(base_path, live_path):
    base, live = objects(base_path), objects(live_path)
    b, l = next(base, None), next(live, None)
    while b or l:
        first = min(o["id"] for o in (b, l) if o)
        of_base = b if b and b["id"] == first else None
        of_live = l if l and l["id"] == first else None
        yield first, of_base, of_live
        b = next(base, None) if of_base else b
        l = next(live, None) if of_live else l


def value_of(made, name):
    if name in made:
        return made[name]
    outer, _, inner = name.partition("/")
    return made.get(outer, {}).get(inner) if inner else None


# ---- when are two values the same? -------------------------------------------------------------------


def instant(text):
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?Z", text)
    return (found[1], (found[2] or "").ljust(7, "0")) if found else text


def scheme_of(text):
    scheme, colon, value = text.partition(":")
    return (scheme, value) if colon else ("", text)


def address_key(text):
    scheme, value = scheme_of(text)
    if scheme.lower() in ("smtp", "sip"):
        value = value.lower()
    return f"{scheme.lower()}:{value}" if scheme else value


def key_of(compares, element):
    if compares == "addresses":
        return address_key(element)
    return element.lower() if compares in ("caseless", "reference") else dump(element)


def same(compares, a, b):
    if a is None or b is None:
        return a is b
    if compares in ("caseless", "reference"):
        return a.lower() == b.lower()
    return instant(a) == instant(b) if compares == "instant" else dump(a) == dump(b)


def is_computed(text, made):
    scheme, value = scheme_of(text)
    domain = value.rpartition("@")[2].lower()
    if scheme.lower() != "smtp":
        return False
    if any(domain.endswith(end) and len(domain) > len(end) for end in SERVICE_DOMAINS):
        return True
    return scheme != "SMTP" and value.lower() == made.get("userPrincipalName", "").lower()


# ---- rows ----------------------------------------------------------------------------------------------


def elements(compares, value):
    """By key; of two spellings the one that comes first in byte order, which is the primary."""
    found = {}
    for element in sorted(value or [], key=lambda element: dump(element).encode()):
        found.setdefault(key_of(compares, element), element)
    return found


def primary(found):
    return next((found[key] for key in sorted(found, key=str.encode) if str(found[key]).startswith("SMTP:")), None)


def set_rows(compares, base, live, of_base, of_live):
    before, after = elements(compares, of_base), elements(compares, of_live)
    told = set()
    for key in before.keys() ^ after.keys():
        element, made = (before[key], base) if key in before else (after[key], live)
        if compares == "addresses" and is_computed(element, made):
            continue
        told.add(key)
        yield key, dump(before.get(key)), dump(after.get(key))
    if compares == "addresses":
        was, now = primary(before), primary(after)
        changed = (was and address_key(was)) != (now and address_key(now))
        key = address_key(was or now) if changed else None
        if changed and key not in told:
            yield key, dump(was), dump(now)


def presence(made):
    return "none" if not made else "deleted" if made.get("deleted") else "live"


def rows_of(identity, base, live, table):
    change = CHANGES.get((presence(base), presence(live)))
    if change:
        yield identity, "", change, "", ""
    if presence(base) != "live" or presence(live) != "live":
        return
    unknown = set(base.get("unknown", ())) | set(live.get("unknown", ()))
    for name, compares in table[live["kind"]].items():
        if compares == "volatile" or name in unknown:
            continue
        before, after = value_of(base, name), value_of(live, name)
        if before == after:
            continue
        if isinstance(before, list) or isinstance(after, list):
            for key, was, now in set_rows(compares, base, live, before, after):
                yield identity, name, key, was, now
        elif not same(compares, before, after):
            yield identity, name, "", dump(before), dump(after)


def own_rows(table, base_path, live_path):
    rows, gone = [], set()
    for identity, base, live in pairs(base_path, live_path):
        if base == live:
            continue
        for row in rows_of(identity, base, live, table):
            rows.append(row)
            if not row[1] and row[2] in ("deleted", "purged"):
                gone.add(identity)
    # Who is gone has left all groups and has no reports: that is one finding, and not each of its places.
    references = {name for rows_of_kind in table.values() for name, how in rows_of_kind.items() if how == "reference"}
    return [row for row in rows
            if not (row[1] in references and row[4] == NOTHING and json.loads(row[3]) in gone)]


def told_rows(path):
    rows, trailer = [], None
    with open(path, encoding="utf-8") as lines:
        next(lines)  # the header
        for line in lines:
            made = json.loads(line)
            if made.get("end"):
                trailer = made
                continue
            of_object = "attribute" not in made
            rows.append((made["id"], made.get("attribute", ""),
                         made["change"] if of_object else made.get("element", ""),
                         "" if of_object else dump(made["base"]), "" if of_object else dump(made["live"])))
    assert trailer and trailer["findings"] == len(rows), "the trailer does not count the findings"
    return rows


def main(attributes, base_path, live_path, findings):
    own = own_rows(read_table(attributes), base_path, live_path)
    told = told_rows(findings)
    for name, only in (("unstage alone", collections.Counter(told) - collections.Counter(own)),
                       ("this script alone", collections.Counter(own) - collections.Counter(told))):
        for row in sorted(only)[:5]:
            print(f"{name}: {row}")
        if only:
            print(f"{name}: {sum(only.values())} rows")
    if collections.Counter(own) != collections.Counter(told):
        return 1
    for name, count in sorted(collections.Counter(row[1] or row[2] for row in own).items()):
        print(f"{count} {name}")
    print(f"{len(own)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
