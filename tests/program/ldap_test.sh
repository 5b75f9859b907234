#!/usr/bin/env bash
# The LDIF file for Active Directory, in the hands of OpenLDAP: what the plan wants stands there then,
# whatever is in the values; an entry that changed since is left alone, all of it.
. "$(dirname "$0")/library.sh"

PATH=$PATH:/usr/sbin
require_tools sqlite3 jq python3 slapd ldapadd ldapmodify ldapsearch
schemas=/etc/ldap/schema
[ -f $schemas/inetorgperson.schema ] || skip "OpenLDAP's schemas are not in $schemas"
administrator=cn=admin,DC=contoso,DC=com
slapd_pid=

tidy() {
	[ -n "$slapd_pid" ] || return 0
	kill "$slapd_pid" 2>/dev/null
	wait "$slapd_pid" 2>/dev/null
	slapd_pid=
}

# ---- OpenLDAP, with the attributes that Active Directory has besides the usual ------------------------

# own_attribute NUMBER NAME [SINGLE-VALUE]
own_attribute() {
	echo "attributetype ( 1.3.6.1.4.1.99999.1.$1 NAME '$2' EQUALITY caseIgnoreMatch"
	echo "	SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 ${3:-} )"
}

write_schema() {
	local names=(department company mailNickname userPrincipalName msExchUsageLocation employeeID) i
	for i in {1..15}; do names+=("extensionAttribute$i"); done
	own_attribute 100 proxyAddresses
	for i in "${!names[@]}"; do own_attribute "$i" "${names[$i]}" SINGLE-VALUE; done
	echo "objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'adUser' SUP top STRUCTURAL MUST cn"
	echo "	MAY ( proxyAddresses $(printf '$ %s ' "${names[@]}") \$ title \$ l \$ st \$ sn \$ givenName"
	echo "	\$ displayName \$ mail \$ mobile \$ physicalDeliveryOfficeName \$ telephoneNumber ) )"
}

start_slapd() {
	local tenths=0

	mkdir -p "$work/ldap/data"
	write_schema >"$work/ldap/ad.schema"
	cat >"$work/ldap/slapd.conf" <<-END
		include $schemas/core.schema
		include $schemas/cosine.schema
		include $schemas/inetorgperson.schema
		include $work/ldap/ad.schema
		modulepath /usr/lib/ldap
		moduleload back_mdb
		pidfile $work/ldap/pid
		argsfile $work/ldap/args
		database mdb
		maxsize 67108864
		suffix "DC=contoso,DC=com"
		rootdn "$administrator"
		rootpw secret
		directory $work/ldap/data
	END
	ldap_url=ldapi://$(sed 's|/|%2F|g' <<<"$work/ldap/socket")
	slapd -d 0 -f "$work/ldap/slapd.conf" -h "$ldap_url" >"$work/ldap/log" 2>&1 &
	slapd_pid=$!
	while ! ldapsearch -x -H "$ldap_url" -s base -b '' >/dev/null 2>&1; do
		kill -0 "$slapd_pid" 2>/dev/null && [ "$((tenths += 1))" -lt 100 ] ||
			wrong "slapd does not start: $(tail -n 3 "$work/ldap/log")" || return 1
		sleep 0.1
	done
}

# ldap STATUS search|add|modify ARGUMENT...
ldap() {
	expect "$1" "ldap$2" -x -H "$ldap_url" -D "$administrator" -w secret "${@:3}"
}

# standing: what stands there, "DN<tab>attribute<tab>[values]" in order, as python3 reads the answer.
standing() {
	ldap 0 search -LLL -o ldif-wrap=no -b OU=People,DC=contoso,DC=com '(objectClass=adUser)'
	python3 - "$work/stdout" <<-'END'
		import base64, json, sys

		dn, found = None, {}
		for line in open(sys.argv[1]).read().split("\n"):
		    if not line:
		        continue
		    name, rest = line.split(":", 1)
		    value = base64.b64decode(rest[1:].strip()).decode() if rest.startswith(":") else rest[1:]
		    if name == "dn":
		        dn = value
		    elif name not in ("objectClass", "cn"):
		        found.setdefault((dn, name), []).append(value)
		for (dn, name), values in sorted(found.items()):
		    print(json.dumps([name, sorted(values)]))
	END
}

# ---- the plan's entries -------------------------------------------------------------------------------

# entries PLAN SIDE: LDIF of python3's own, everything base64, with the values of one side.
entries() {
	python3 - "$1" "$2" <<-'END'
		import base64, json, sys

		names = {"jobTitle": "title", "city": "l", "officeLocation": "physicalDeliveryOfficeName",
		    "department": "department", "userPrincipalName": "userPrincipalName",
		    "proxyAddresses": "proxyAddresses"}

		def line(name, value):
		    print("%s:: %s" % (name, base64.b64encode(value.encode()).decode()))

		line("dn", "DC=contoso,DC=com")
		print("objectClass: dcObject\nobjectClass: organization\no: Contoso\ndc: contoso\n")
		line("dn", "OU=People,DC=contoso,DC=com")
		print("objectClass: organizationalUnit\nou: People\n")
		people = {}
		for step in json.load(open(sys.argv[1]))["steps"]:
		    if step["door"] == "directory":
		        people.setdefault(step["distinguished_name"], []).append(step)
		for dn, steps in people.items():
		    line("dn", dn)
		    print("objectClass: adUser")
		    for step in steps:
		        value = step[sys.argv[2]]
		        for one in value if isinstance(value, list) else [value] if value is not None else []:
		            line(names[step["attribute"]], one)
		    print()
	END
}

# wanted PLAN SIDE: the same as standing() tells it.
wanted() {
	python3 - "$1" "$2" <<-'END'
		import json, sys

		names = {"jobTitle": "title", "city": "l", "officeLocation": "physicalDeliveryOfficeName"}
		rows = []
		for step in json.load(open(sys.argv[1]))["steps"]:
		    value = step[sys.argv[2]] if step["door"] == "directory" else None
		    if value is not None:
		        values = value if isinstance(value, list) else [value]
		        rows.append(json.dumps([names.get(step["attribute"], step["attribute"]), sorted(values)]))
		print("\n".join(rows))
	END
}

# ---- a company whose addresses hold what may be in them ----------------------------------------------

start_tenant tenant || give_up
hostile=("x500:/o=Contoso/cn=two
lines" "x500:/o=Kø­benhavn/cn=Ñandú" "x500:blank at its end " " x500:blank before it" ":a colon before it" "<file:///etc/passwd" \
	"x500:carriage$(printf '\r')return" "x500:tab$(printf '\t')here" "x500:‘quotes’ “of” 'all' \"sorts\"" \
	"x500:$(printf 'long%.0s' {1..200})" "x500:# no comment" "x500:-" "x500:
-
add: title")
for i in "${!hostile[@]}"; do
	value=$(sed "s/'/''/g" <<<"${hostile[$i]}.")
	id=$(query "SELECT id FROM cast_member WHERE role = 0 AND number = $((141 + i))")
	sqlite3 -cmd '.timeout 5000' "$tenant_database" "UPDATE objects SET json = json_set(json, '\$.proxyAddresses[#]', '${value%.}') WHERE id = '$id';
		UPDATE connector SET wanted = json_set(wanted, '\$.proxyAddresses[#]', '${value%.}') WHERE cloud_id = '$id';" ||
		give_up
done
# And names with a meaning in LDAP.
sqlite3 -cmd '.timeout 5000' "$tenant_database" "UPDATE objects SET json = json_set(json, '\$.onPremisesDistinguishedName',
	'CN=Köhler\\, \\\"Ann\\\" \\# \\+ ' || number || ',OU=People,DC=contoso,DC=com')
	FROM cast_member WHERE role = 0 AND number IN (142, 111) AND cast_member.id = objects.id"

sentence "a plan with steps for Active Directory, some with values that LDIF has to hide"
directory_story || give_up
at_least "steps" 20 "$(jq '.counts.doors.directory' plan.json)"
for value in "${hostile[@]}"; do
	jq -e --arg value "$value" 'any(.steps[] | select(.door == "directory" and (.to | type) == "array") | .to[]; . == $value)' \
		plan.json >/dev/null || wrong "no step brings back $(cat -A <<<"$value")"
done
same "other bytes than printable ASCII" 0 "$(LC_ALL=C tr -d '\n -~' <plan-directory.ldif | wc -c)"

start_slapd || give_up
sentence "with the values of the incident in it, ldapmodify brings every one that the plan wants"
entries plan.json from >wrong.ldif
ldap 0 add -f wrong.ldif || give_up
wanted plan.json from | LC_ALL=C sort >wanted
standing | LC_ALL=C sort >found
diff wanted found >differences || wrong "before: $(head -n 3 differences)"
ldap 0 modify -c -f plan-directory.ldif
wanted plan.json to | LC_ALL=C sort >wanted
standing | LC_ALL=C sort >found
diff wanted found >differences || wrong "wanted (<), found (>): $(head -n 3 differences)"

sentence "once more, what stands there already is refused, and nothing is changed"
ldap 20 modify -c -f plan-directory.ldif
standing | LC_ALL=C sort >again
diff found again >differences || wrong "$(head -n 3 differences)"

sentence "a value that somebody changed since: that entry is refused whole, all others are brought"
tidy
rm -rf ldap
start_slapd || give_up
ldap 0 add -f wrong.ldif
dn=$(jq -r 'first(.steps[] | select(.door == "directory" and .attribute == "jobTitle")) | .distinguished_name' plan.json)
printf 'dn: %s\nchangetype: modify\nreplace: title\ntitle: Director\n' "$dn" >since.ldif
ldap 0 modify -f since.ldif
ldap 16 modify -c -f plan-directory.ldif
standing | LC_ALL=C sort >found
{ wanted plan.json to | grep -v '^\["title"'; jq -c '.steps[] | select(.door == "directory" and .attribute == "jobTitle")
	| ["title", [if .distinguished_name == $dn then "Director" else .to end]]' --arg dn "$dn" plan.json | sed 's/,/, /'; } |
	LC_ALL=C sort >wanted
diff wanted found >differences || wrong "wanted (<), found (>): $(head -n 3 differences)"
tidy

# ---- the simulated Active Directory, which reads LDIF by a parser of its own -------------------------

sentence "what is not put right in Active Directory, production spreads: the damage stays"
cp "$tenant_database" before.sqlite
say cycle && say prove
at_least "still damaged" 20 "$(proved 'values still damaged')"

sentence "put right before the cycle, all of it comes to the cloud"
stop_tenant
cp before.sqlite "$tenant_database" && rm -f "$tenant_database"-{wal,shm}
start_tenant tenant || give_up
say ldif "$PWD/plan-directory.ldif"
same "changed" "$(jq '.counts.doors.directory' plan.json)" "$(proved changed)"
say ldif "$PWD/plan-directory.ldif"
same "changed by the second time" 0 "$(proved changed)"
say cycle
expect 1 "$UNSTAGE" status plan.json --key unstage.pub --json
same "steps of the door" settled "$(jq -r 'select(.door? == "directory") | .state' stdout | sort -u)"
stop_tenant

finish
