"""Writes two moments of one company as snapshot lines: company.py OBJECTS BASE LIVE

Everything follows from numbers. Of seven objects about one differs, in every way that a value, a set or an
object can: spelled in another case, another instant or the same one written otherwise, another
primary address, members in and out, not known on one side, gone, deleted, restored, new.
"""
import json
import random
import sys

SPARE = "abcdefgh"


def guid(number):
    text = f"{random.Random(number).getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def addresses(number, luck):
    found = [f"SMTP:user.{number}@contoso.com", f"smtp:u{number}@contoso.com",
             f"smtp:user.{number}@contoso.mail.onmicrosoft.com"]
    if luck.random() < 0.3:
        found.append(f"X500:/o=Labs/cn=Recipients/cn={number:x}-User")
    if luck.random() < 0.2:
        found.append(f"sip:user.{number}@contoso.com")
    return found


def user(number, total, luck):
    made = {
        "kind": "user", "accountEnabled": luck.random() < 0.95,
        "displayName": luck.choice(["Anna Müller", "Zoë O'Brien", "Max \"M\" Schmidt", "back\\slash"]),
        "userPrincipalName": f"user.{number}@contoso.com", "mail": f"user.{number}@contoso.com",
        "department": luck.choice(["Finance", "Legal", "R&D"]),
        "createdDateTime": f"20{luck.randint(10, 25)}-03-04T02:17:{luck.randint(10, 59)}Z",
        "proxyAddresses": addresses(number, luck),
        "onPremisesSyncEnabled": True,
        "onPremisesExtensionAttributes": {"extensionAttribute1": f"CC{luck.randint(0, 99)}"},
    }
    if luck.random() < 0.4:
        made["businessPhones"] = [f"+49 30 {luck.randint(0, 9999999):07}"]
    if luck.random() < 0.3:
        made["otherMails"] = [f"private{number}@example.com", f"Second{number}@example.com"]
    if luck.random() < 0.2:
        made["imAddresses"] = [f"user.{number}@contoso.com"]
    if luck.random() < 0.5:
        made["manager"] = guid(luck.randrange(total))
    if luck.random() < 0.5:
        made["onPremisesLastSyncDateTime"] = "2026-03-01T00:00:00Z"
    return made


def group(number, total, luck):
    return {
        "kind": "group", "displayName": f"Group {number}", "mailEnabled": False,
        "mail": f"group.{number}@contoso.com", "proxyAddresses": [f"SMTP:group.{number}@contoso.com"],
        "groupTypes": luck.choice([["Unified"], ["DynamicMembership", "Unified"], []]),
        "members": [guid(luck.randrange(total)) for _ in range(luck.randint(0, 40))],
        "owners": [guid(luck.randrange(total)) for _ in range(luck.randint(0, 2))],
    }


def contact(number, _total, luck):
    return {
        "kind": "contact", "displayName": f"Contact {number}", "mail": f"c.{number}@fabrikam.com",
        "proxyAddresses": [f"SMTP:c.{number}@fabrikam.com"],
        "phones": [{"number": f"+44 {luck.randint(0, 9999)}", "type": "mobile"}],
        "addresses": [{"city": luck.choice(["Berlin", "Paris"]), "postalCode": f"{number:05}"}],
    }


# ---- what becomes of them ------------------------------------------------------------------------


def rename(made, luck, _total):
    made["displayName"] = luck.choice(["Ünal Öz", "tab\tand\x01control", "Anna Müller", "x"])


def respell(made, luck, _total):
    name = luck.choice(["mail", "userPrincipalName"])
    if name not in made:
        return
    made[name] = made[name].upper() if luck.random() < 0.7 else luck.choice(SPARE) + made[name]


def change_time(made, luck, _total):
    if "createdDateTime" in made:
        made["createdDateTime"] = made["createdDateTime"][:-1] + luck.choice([".000Z", ".0000001Z", ".5Z"])


def change_inner(made, luck, _total):
    inner = made.setdefault("onPremisesExtensionAttributes", {})
    inner.pop("extensionAttribute1", None)
    if luck.random() < 0.7:
        inner["extensionAttribute" + luck.choice("12")] = "CC" + luck.choice(SPARE)


def clear(made, luck, _total):
    made.pop(luck.choice(["department", "businessPhones", "manager", "otherMails", "mail", "proxyAddresses"]), None)


def toggle(made, luck, _total):
    for name in ("accountEnabled", "mailEnabled"):
        if name in made:
            made[name] = not made[name]
    made["onPremisesLastSyncDateTime"] = f"2026-03-0{luck.randint(2, 9)}T00:00:00Z"


def change_manager(made, luck, total):
    made["manager"] = guid(luck.randrange(total))


def change_addresses(made, luck, _total):
    found = made.setdefault("proxyAddresses", [])
    for _ in range(luck.randint(1, 3)):
        what = luck.randrange(6)
        place = luck.randrange(len(found)) if found else None
        if what == 0:
            found.append(f"smtp:{luck.choice(SPARE)}{luck.randint(0, 99)}@contoso.com")
        elif what == 1 and found:
            del found[place]
        elif what == 2 and found:  # the same, spelled otherwise
            scheme, value = found[place].split(":", 1)
            found[place] = scheme + ":" + value.upper()
        elif what == 3:  # another one is primary
            made["proxyAddresses"] = found = [a.replace("SMTP:", "smtp:", 1) for a in found]
            others = [i for i, a in enumerate(found) if a.startswith("smtp:")]
            if others and luck.random() < 0.9:
                i = luck.choice(others)
                found[i] = "SMTP:" + found[i][5:]
        elif what == 4:
            found.append(f"smtp:{luck.choice(SPARE)}@contoso.onmicrosoft.com")
        elif what == 5 and found:
            scheme, value = found[place].split(":", 1)
            found[place] = scheme + ":" + luck.choice(SPARE) + value


def change_set(made, luck, total):
    names = [name for name in ("members", "owners", "businessPhones", "otherMails", "imAddresses", "groupTypes",
                               "phones", "addresses") if name in made]
    if not names:
        return
    name = luck.choice(names)
    found = made[name]
    if found and luck.random() < 0.5:
        del found[luck.randrange(len(found))]
    if name in ("members", "owners"):
        found.append(guid(luck.randrange(total)))
    elif name == "imAddresses":
        found[:] = [text.upper() for text in found]
    elif name in ("phones", "addresses"):
        found.append({"number": luck.choice(SPARE), "type": "other"})
    elif luck.random() < 0.6:
        found.append("+49 " + luck.choice(SPARE))


def hide(made, luck, _total):
    name = luck.choice(["department", "manager", "members", "proxyAddresses", "otherMails"])
    made.pop(name, None)
    made["unknown"] = [name]


CHANGES = [rename, respell, change_time, change_inner, clear, toggle, change_manager, change_addresses,
           change_addresses, change_set, change_set, hide]
NOT_OF = {"group": {change_inner, change_manager, change_time}, "contact": {change_inner, change_time}}


# ---- lines -----------------------------------------------------------------------------------------


def canonical(value):
    if isinstance(value, dict):
        made = {key: canonical(inner) for key, inner in value.items()}
        return {key: inner for key, inner in made.items() if inner not in (None, [], {})}
    if isinstance(value, list):
        texts = {dump(canonical(element)) for element in value}
        return [json.loads(text) for text in sorted(texts, key=str.encode)]
    return value


def dump(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def write(out, identity, made):
    made = canonical(made)
    parts = {name: made.pop(name) for name in ("members", "owners") if name in made}
    out.write(dump(made | {"id": identity}) + "\n")
    for name, ids in parts.items():
        out.write(dump({"id": identity, "kind": "group", name: ids, "part": name + ":"}) + "\n")


def main(total, base, live):
    for number in range(total):
        luck = random.Random(f"object {number}")
        draw = luck.random()
        make = user if draw < 0.9 else group if draw < 0.95 else contact
        made, identity = make(number, total, luck), guid(number)
        fate = luck.random()
        if luck.random() < 0.01:
            hide(made, luck, total)
        if fate < 0.004 or (0.014 <= fate < 0.016):
            made["deleted"] = True
        if not 0.010 <= fate < 0.014:  # those are new
            write(base, identity, made)
        if fate < 0.002 or 0.004 <= fate < 0.010:  # gone
            if luck.random() < 0.4 and made["kind"] != "contact":
                write(live, identity, made | {"deleted": True})
            continue
        if fate < 0.016:
            made.pop("deleted", None)
        if 0.10 < fate < 0.23:
            possible = [change for change in CHANGES if change not in NOT_OF.get(made["kind"], ())]
            for _ in range(luck.randint(1, 3)):
                luck.choice(possible)(made, luck, total)
        write(live, identity, made)


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as first, open(sys.argv[3], "w", encoding="utf-8") as second:
        main(int(sys.argv[1]), first, second)
