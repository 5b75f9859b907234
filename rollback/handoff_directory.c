/* The files for Active Directory: "<stem>-directory.ps1", and the same as LDIF (RFC 2849). */
#include "base/memory.h"
#include "rollback/handoff_internal.h"

static const char *const introduction[] = {
	"# A hand-off file of unstage, for the ActiveDirectory module of Windows PowerShell.",
	"#",
	"# It puts back what a staging server wrote into Active Directory, step by step as the signed",
	"# plan has them. Every value is read first; one that is not as the plan saw it is skipped and",
	"# listed. Nothing is changed without -Apply. The code is the same in every such file; the data",
	"# is the one block at its end, and is used as values only.",
	"#requires -Modules ActiveDirectory",
	"",
	NULL,
};

/* clang-format off */
static const char *const code[] = {
	"",
	"# Which cmdlets read and write an object, by its kind.",
	"$cmdlets = @{",
	"    'user' = @('Get-ADUser', 'Set-ADUser')",
	"    'group' = @('Get-ADGroup', 'Set-ADGroup')",
	"    'contact' = @('Get-ADObject', 'Set-ADObject')",
	"}",
	"$servers = @{}",
	"",
	"# The domains of the plan's objects are of the forest where this runs.",
	"function Assert-Place($plan) {",
	"    $forest = Get-ADForest",
	"    foreach ($name in @(Read-Texts $plan.domains)) {",
	"        if (@($forest.Domains) -notcontains $name) {",
	"            throw ('The forest here is ' + $forest.Name + '; the plan is for the domain ' + $name + '.')",
	"        }",
	"        $domain = Get-ADDomain -Identity $name",
	"        if ([string] $domain.DNSRoot -ne $name) { throw ('The domain ' + $name + ' answers as ' + $domain.DNSRoot + '.') }",
	"        $servers[$name] = [string] $domain.PDCEmulator",
	"    }",
	"}",
	"",
	"# Without the security identifier a name could be another object's by now.",
	"function Get-One($item, [string] $name) {",
	"    $kind = Read-Text $item.kind",
	"    $read = $cmdlets[$kind][0]",
	"    $server = $servers[(Read-Text $item.domain)]",
	"    if ([string]::IsNullOrEmpty($server)) { throw 'a domain that was not looked at' }",
	"    $object = & $read -Identity (Read-Text $item.dn) -Server $server -Properties $name",
	"    $sid = Read-Text $item.sid",
	"    if ($null -ne $sid -and [string] $object.SID -ne $sid) { throw 'this name belongs to another object now' }",
	"    return $object",
	"}",
	"",
	"function Get-AddressStanding($item, $now) {",
	"    $add = @(Read-Texts $item.add)",
	"    $remove = @(Read-Texts $item.remove)",
	"    $some = @($add | Where-Object { Test-Address $now $_ })",
	"    $left = @($remove | Where-Object { Test-Address $now $_ })",
	"    if ($some.Count -eq $add.Count -and $left.Count -eq 0) { return 'to' }",
	"    if ($some.Count -eq 0 -and $left.Count -eq $remove.Count) { return 'from' }",
	"    return 'neither'",
	"}",
	"",
	"function Get-Found($item) {",
	"    $attribute = Read-Text $item.attribute",
	"    $name = $names[$attribute]",
	"    if ($null -eq $name) { throw 'an attribute that is not for this script' }",
	"    $object = Get-One $item $name",
	"    if ($attribute -eq 'accountEnabled') {",
	"        $now = @(([string] $object.Enabled).ToLowerInvariant())",
	"    } else {",
	"        $now = @($object[$name] | ForEach-Object { [string] $_ })",
	"    }",
	"    if ($attribute -eq 'proxyAddresses') {",
	"        $standing = Get-AddressStanding $item $now",
	"    } else {",
	"        $standing = Get-TextStanding $item $now",
	"    }",
	"    return @{ target = $object; standing = $standing; now = $now }",
	"}",
	"",
	"# The old value is removed by name, so that one that changed just now is not lost.",
	"function Set-Found($item, $object) {",
	"    $attribute = Read-Text $item.attribute",
	"    $name = $names[$attribute]",
	"    $place = @{",
	"        Identity = [string] $object.DistinguishedName",
	"        Server = $servers[(Read-Text $item.domain)]",
	"        WhatIf = $dry",
	"        Confirm = $false",
	"    }",
	"    if ($attribute -eq 'accountEnabled') {",
	"        if (@(Read-Texts $item.to)[0] -eq 'true') { Enable-ADAccount @place } else { Disable-ADAccount @place }",
	"        return",
	"    }",
	"    $write = $cmdlets[(Read-Text $item.kind)][1]",
	"    $add = @(Read-Texts $item.add)",
	"    $remove = @(Read-Texts $item.remove)",
	"    if ($remove.Count -gt 0) { $place['Remove'] = @{ $name = [string[]] $remove } }",
	"    if ($add.Count -gt 0) { $place['Add'] = @{ $name = [string[]] $add } }",
	"    & $write @place",
	"}",
	"",
	NULL,
};
/* clang-format on */

static void add_domain_member(struct buf *out, const struct plan_step *step)
{
	CLEANUP(buf_release) struct buf domain = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (dn_add_domain(&domain, span_of(step->distinguished_name)))
		script_add_text(out, "domain", buf_text(&domain));
}

/* The domains of all objects, each once. */
static void add_domains(struct buf *out, const struct plan *plan)
{
	CLEANUP(buf_release) struct buf known = BUF_UP_TO(HANDOFF_MAX);
	bool first = true;

	buf_add_byte(&known, '\n');
	buf_add_text(out, ",\"domains\":[");
	for (size_t i = 0; i < plan->step_count; i++) {
		CLEANUP(buf_release) struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX);

		if (plan->steps[i].door != DOOR_DIRECTORY)
			continue;
		buf_add_byte(&line, '\n');
		if (!dn_add_domain(&line, span_of(plan->steps[i].distinguished_name)))
			continue;
		buf_add_byte(&line, '\n');
		if (strstr(buf_text(&known), buf_text(&line)))
			continue;
		buf_addf(out, "%s\"=%.*s\"", first ? "" : ",", (int)line.length - 2, line.data + 1);
		buf_add_text(&known, buf_text(&line) + 1);
		first = false;
	}
	buf_add_byte(out, ']');
}

void handoff_add_directory(struct buf *out, const struct plan *plan)
{
	CLEANUP(script_release) struct script script = SCRIPT_OF(plan);
	CLEANUP(buf_release) struct buf table = BUF_UP_TO(HANDOFF_MAX);

	script_add_text(&script.head, "door", "directory");
	add_domains(&script.head, plan);
	for (size_t i = 0; i < plan->step_count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->door != DOOR_DIRECTORY)
			continue;
		script_begin_item(&script, step);
		script_add_text(&script.items, "dn", step->distinguished_name);
		add_domain_member(&script.items, step);
		script_add_text(&script.items, "sid", step->security_identifier);
		script_end_item(&script);
	}
	directory_add_names(&table);
	script_write(out, &script, introduction, code, buf_span(&table));
}
