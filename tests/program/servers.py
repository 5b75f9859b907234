"""Checks of servers_test.sh: prints what is wrong, and nothing where a check holds."""
import base64, collections, json, pathlib, sqlite3, struct, sys, uuid
import xml.etree.ElementTree as tree

work, database, check = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
book = sqlite3.connect(f"file:{database}?mode=ro", uri=True)

KINDS = {"unconfirmed-export": "sent", "escrowed-export": "sent", "unapplied-export": "wanted",
         "pending-import": "arrived"}
NAMES = {"title": "jobTitle", "alias": "mailNickname", "mobile": "mobilePhone",
         "physicalDeliveryOfficeName": "officeLocation", "member": "members",
         "managedBy": "owners", "company": "companyName"}


def space(folder, server, file="all"):
    return tree.parse(work / folder / server / f"{server.lower()}-{file}.xml").getroot()


def values(attribute):
    found = set()
    for value in attribute.findall("value"):
        if value.get("operation") != "delete":
            found.add((value.text or "", value.get("encoding")))
    for value in attribute.findall("dn-value"):
        if value.get("operation") != "delete":
            found.add((value.findtext("dn"), None))
    return found


def removed(attribute):
    return {(value.text or "", value.get("encoding")) for value in attribute.findall("value")
            if value.get("operation") == "delete"} | \
           {(value.findtext("dn"), None) for value in attribute.findall("dn-value")
            if value.get("operation") == "delete"}


def attributes(node):
    return {a.get("name"): a for a in node if a.tag in ("attr", "dn-attr")} if node is not None else {}


def entry(node, element):
    hologram = node.find(element + "/entry")
    return None if hologram is None else {name: values(a) for name, a in attributes(hologram).items()}


def cloud_id(node):
    raw = base64.b64decode(node.findtext("anchor") or "")
    return raw[4:].decode("utf-16-le").rstrip("\0").split("_")[1] if raw else None


def applied(base, delta):
    """What a delta makes of a state, by the rules of facts 3.3."""
    operation = delta.get("operation")
    if operation == "delete":
        return None
    state = {} if operation in ("add", "replace") else dict(base)
    for name, attribute in attributes(delta).items():
        how = attribute.get("operation", "add")
        if how == "delete":
            state.pop(name, None)
        elif how == "update":
            state[name] = (state.get(name, set()) - removed(attribute)) | values(attribute)
        else:
            state[name] = values(attribute)
    return {name: value for name, value in state.items() if value}


def well_formed():
    for folder in ("after", "wide"):
        for path in (work / folder).rglob("*.xml"):
            tree.parse(path)
        for path in (work / folder).rglob("*.json"):
            json.loads(path.read_bytes().decode("utf-16" if folder == "wide" else "utf-8"))
    if not (work / "wide/SYNC02/sync02-all.xml").read_bytes().startswith(b"\xff\xfe<\0"):
        print("wide is no UTF-16LE with a mark")
    narrow, wide = space("after", "SYNC01"), space("wide", "SYNC01")
    if tree.tostring(narrow) != tree.tostring(wide):
        print("SYNC01's space differs between the encodings")
    raw = (work / "after/SYNC02/sync02-runs.json").read_text()
    if '"StartDate":  "\\/Date(' not in raw or "\\u003c" not in \
            (work / "after/SYNC02/sync02-steps.json").read_text():
        print("that is not how PowerShell 5.1 writes JSON")


def sent():
    return {cloud_id(o): o for o in space("after", "SYNC02") if o.find("unconfirmed-export") is not None}


def sent_is_written():
    mine, book_names = collections.defaultdict(set), collections.defaultdict(set)
    for id, node in sent().items():
        delta = node.find("unconfirmed-export/delta")
        if delta.get("operation") != "update":
            mine[id].add(delta.get("operation"))
        for name in attributes(delta) if delta.get("operation") == "update" else ():
            if name != "commonName":  # the connector space's own copy of displayName
                mine[id].add(NAMES.get(name, name))
    ignored = ("onPremisesLastSyncDateTime", "onPremisesProvisioningErrors")
    born = {row[0] for row in book.execute(
        "SELECT object FROM writes WHERE role = 'staging' AND operation = 'create'")}
    for object, operation, attribute in book.execute(
            "SELECT object, operation, attribute FROM writes WHERE role = 'staging'"):
        if operation in ("create", "delete"):
            book_names[object].add("add" if operation == "create" else operation)
        elif attribute not in ignored and object not in born:
            book_names[object].add(attribute.split("/")[-1])
    if not mine:
        print("nothing was sent")
    for id in mine.keys() | book_names.keys():
        if mine.get(id) != book_names.get(id):
            print(id, "sent", mine.get(id), "written", book_names.get(id))
    # And the very values, where the tenant's book has one text of it.
    for object, attribute, new in book.execute(
            "SELECT object, attribute, new FROM writes WHERE role = 'staging' AND operation = 'set'"
            " AND new LIKE '\"%'"):
        hologram = entry(sent()[object], "unconfirmed-export-hologram") if object in sent() else {}
        cs = {v: k for k, v in NAMES.items()}.get(attribute, attribute.split("/")[-1])
        if attribute not in ignored and object not in born and \
                {v for v, _ in hologram.get(cs, ())} != {json.loads(new)}:
            print(object, attribute, "is", hologram.get(cs), "and was written as", new)


def export(folder, encoding="utf-8"):
    steps = json.loads((work / folder / "SYNC02/sync02-steps.json").read_bytes().decode(encoding))
    return [s for s in steps if "export" in s["StepXml"]]


def counters():
    counts = collections.Counter(
        n.find("unconfirmed-export/delta").get("operation") for n in sent().values())
    steps = export("after")
    if len(steps) != 1:
        print(len(steps), "exports of a staging server")
    step = steps[0]
    said = {k: step["Export" + k.capitalize()] for k in ("add", "update", "delete")}
    if said != {k: counts[k] for k in said}:
        print("counted", said, "sent", dict(counts))
    written = {operation: count for operation, count in book.execute(
        "SELECT CASE operation WHEN 'create' THEN 'add' WHEN 'delete' THEN 'delete' ELSE 'update' END,"
        " count(DISTINCT object) FROM writes WHERE role = 'staging' AND (operation IN ('create', 'delete')"
        " OR object NOT IN (SELECT object FROM writes WHERE role = 'staging' AND operation = 'create'))"
        " GROUP BY 1")}
    if said != written:
        print("counted", said, "written", written)
    errors = tree.fromstring(step["SyncErrors"]["SyncErrorsXml"]).findall("export-error")
    if step["ExportFailure"] != len(errors) or len(errors) != 1:
        print("failures", step["ExportFailure"], "errors", len(errors))
    refused = [o for o in space("after", "SYNC02") if o.find("export-errordetail") is not None]
    if [o.get("id") for o in refused] != [e.get("cs-guid") for e in errors]:
        print("the refused object is not the one of the error")
    details = tree.parse(work / "after/SYNC02/sync02-runs.xml").getroot()
    for run in details:
        if run.findtext("run-profile-name") == "Export":
            xml = {k: int(run.findtext(f"step-details/export-counters/export-{k}")) for k in said}
            if xml != said:
                print("as XML", xml, "as JSON", said)


def escrowed():
    wide = space("wide", "SYNC02")
    def ids(element, root):
        return {o.get("id") for o in root if o.find(element) is not None}
    all_sent = ids("unconfirmed-export", space("after", "SYNC02"))
    if not ids("escrowed-export", wide):
        print("nothing is escrowed")
    if ids("escrowed-export", wide) | ids("unconfirmed-export", wide) != all_sent:
        print("something was lost")
    step = export("wide", "utf-16")[0]
    if step["StepResult"] != "stopped-server" or step["ExportAdd"] + step["ExportUpdate"] + \
            step["ExportDelete"] != len(ids("unconfirmed-export", wide)):
        print("the run's counters do not fit what has an answer")


def tower():
    seen = 0
    for folder in ("after", "imported"):
        for server in ("SYNC01", "SYNC02"):
            for node in space(folder, server):
                base = entry(node, "synchronized-hologram")
                for element in ("pending-import", "unconfirmed-export", "unapplied-export"):
                    delta = node.find(element + "/delta")
                    if delta is None:
                        continue
                    made = applied(base, delta)
                    if made != entry(node, element + "-hologram"):
                        print(folder, server, node.get("id"), element, made,
                              entry(node, element + "-hologram"))
                    if element != "pending-import":
                        base = made
                    seen += 1
    if seen < 100:
        print("only", seen, "changes")


def before():
    staging = sent()
    production = {cloud_id(o): o for o in space("after", "SYNC01")}
    imported = {cloud_id(o): o for o in space("imported", "SYNC01")}
    for id, node in staging.items():
        if id in production and entry(production[id], "synchronized-hologram") != \
                entry(node, "synchronized-hologram"):
            print(id, "was seen differently by the two servers")
        pending = imported[id].find("pending-import/delta")
        if pending is None or pending.get("operation") != \
                node.find("unconfirmed-export/delta").get("operation"):
            print(id, "is not pending as it was sent")
        elif entry(imported[id], "pending-import-hologram") != \
                entry(node, "unconfirmed-export-hologram"):
            print(id, "came back differently")
    for id, node in production.items():
        for element in KINDS:
            if node.find(element) is not None:
                print(id, "of production has", element)


def eaten():
    left = [o for o in space("eaten", "SYNC02") if o.find("unconfirmed-export") is not None]
    if left:
        print(len(left), "are left")


def anchors():
    live = {row[0]: row[1] for row in book.execute("SELECT id, json FROM objects")}
    for node in space("after", "SYNC01"):
        id, kind = cloud_id(node), node.get("object-type")
        raw = base64.b64decode(node.findtext("anchor"))
        if struct.unpack("<I", raw[:4])[0] != len(raw) - 4 or not raw.endswith(b"\0\0"):
            print(id, "has an anchor of a wrong length")
        if raw[4:-2].decode("utf-16-le") != f"{kind.capitalize()}_{id}":
            print(id, "has the anchor", raw)
        anchor = bytes.fromhex(node.get("cs-dn")[4:-1]).decode()
        if len(base64.b64decode(anchor)) != 16 or \
                entry(node, "synchronized-hologram")["sourceAnchor"] != {(anchor, None)}:
            print(id, "is called", anchor)
        if id not in live:
            print(id, "is nobody")
        elif kind == "user" and json.loads(live[id])["onPremisesImmutableId"] != anchor:
            print(id, "has another immutable id than", anchor)
    guids = {a.get("id") for a in space("after", "SYNC01")}
    if len(guids) != len(space("after", "SYNC01")) or any(str(uuid.UUID(g)).upper() != g[1:-1] for g in guids):
        print("the ids of objects are no GUIDs of their own")


def half_hours():
    for server, profile in (("SYNC01", "Export"), ("SYNC02", "Delta Import")):
        runs = json.loads((work / "after" / server / f"{server.lower()}-runs.json").read_text())
        cloud = [r for r in runs if r["ConnectorId"] == "b891884f-051e-4a83-95af-2544101c9083"]
        numbers = [r["RunNumber"] for r in cloud]
        if numbers != list(range(numbers[0], numbers[0] - len(numbers), -1)):
            print(server, "numbers have gaps")
        starts = [int(r["StartDate"][6:-2]) for r in cloud if r["RunProfileName"] == profile]
        gaps = [a - b for a, b in zip(starts, starts[1:])]
        if not gaps or max(gaps) > 3600000 or min(gaps) < 0 or len(starts) < 48:
            print(server, len(starts), "runs, gaps from", min(gaps or [0]), "to", max(gaps or [0]))
        by_hand = [r for r in runs if r["Username"] != "NT SERVICE\\ADSync"]
        if len(by_hand) != (server == "SYNC02"):
            print(server, len(by_hand), "runs by hand")


def configuration():
    for server, staging in (("SYNC01", "False"), ("SYNC02", "True")):
        folder = work / "after" / server / "configuration"
        settings = tree.parse(folder / "GlobalSettings/MV.xml").getroot()
        found = {p.get("name"): p.text for p in settings.iter("parameter")}
        account = [p.text for path in (folder / "Connectors").iterdir()
                   for p in tree.parse(path).getroot().iter("parameter") if p.get("name") == "UserName"]
        edited = [path for path in (folder / "SynchronizationRules").iterdir()
                  if "EDITED" in tree.parse(path).getroot().findtext("name")]
        if settings.get("server") != server or found["Microsoft.Synchronize.StagingMode"] != staging:
            print(server, settings.get("server"), found)
        if len(account) != 1 or not account[0].startswith(f"Sync_{server}_"):
            print(server, account)
        if len(edited) != (staging == "True"):
            print(server, edited)


def directory():
    for server in ("SYNC01", "SYNC02"):
        for node in space("after", server, "ad"):
            if node.find("unconfirmed-export") is not None:
                print(server, node.get("cs-dn"), "was written")
            guid = node.find("synchronized-hologram/entry/attr[@name='objectGUID']/value")
            if base64.b64decode(guid.text) != base64.b64decode(node.findtext("anchor")):
                print(node.get("cs-dn"), "has another GUID")
    if sum(n.find("unconfirmed-export") is not None for n in space("wide", "SYNC02", "ad")) != 5:
        print("five were to be written")


{f.__name__: f for f in (well_formed, sent_is_written, counters, escrowed, tower, before, eaten,
                         anchors, half_hours, configuration, directory)}[check]()
