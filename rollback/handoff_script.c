/*
 * Scripts for PowerShell, in which no value of a directory can become code [T36].
 *
 * Everything but the block of data is constant, and printable ASCII: PowerShell takes typographic
 * quotes for its own, and Windows PowerShell reads a file without a byte-order mark as an ANSI code
 * page, where the second byte of a letter may be such a quote. The block is base64 in a literal
 * here-string; it is decoded when the script runs, and its texts are passed as parameters only.
 *
 * A document a line, because ConvertFrom-Json of Windows PowerShell 5.1 takes 2 MiB at most; and each
 * text behind a '=', because newer ones make dates of texts that look like one.
 */
#include <sodium.h>

#include "base/time.h"
#include "rollback/handoff_internal.h"

enum { BLOCK_LINE_BYTES = 57, BLOCK_LINE_TEXT = 77 };

/* clang-format off */
static const char *const common_code[] = {
	"[CmdletBinding()]",
	"param(",
	"    [switch] $Apply,",
	"    [switch] $WhatIf,",
	"    [string] $ResultPath = ($PSCommandPath + '.result.json')",
	")",
	"",
	"Set-StrictMode -Version 2.0",
	"$ErrorActionPreference = 'Stop'",
	"$dry = $WhatIf -or -not $Apply",
	"$results = New-Object System.Collections.ArrayList",
	"$open = @{}",
	"$items = @{}",
	"$parked = @{}",
	"",
	"# Texts in the data begin with '=', so that no reader of JSON takes one of them for a date.",
	"function Read-Text($value) {",
	"    if ($null -eq $value) { return $null }",
	"    return ([string] $value).Substring(1)",
	"}",
	"",
	"function Read-Texts($values) {",
	"    foreach ($value in @($values)) { ([string] $value).Substring(1) }",
	"}",
	"",
	"function Read-Lines([string] $block) {",
	"    $utf8 = New-Object System.Text.UTF8Encoding($false, $true)",
	"    $text = $utf8.GetString([System.Convert]::FromBase64String($block))",
	"    foreach ($line in $text.Split([char] 10)) {",
	"        if ($line.Length -gt 0) { ConvertFrom-Json -InputObject $line }",
	"    }",
	"}",
	"",
	"# PowerShell's own comparison passes over characters that nobody sees.",
	"function Test-Same([string] $a, [string] $b) {",
	"    return [string]::Equals($a, $b, [System.StringComparison]::Ordinal)",
	"}",
	"",
	"function Test-SameAddress([string] $a, [string] $b) {",
	"    $primary = $a.StartsWith('SMTP:', [System.StringComparison]::Ordinal)",
	"    if ($primary -ne $b.StartsWith('SMTP:', [System.StringComparison]::Ordinal)) { return $false }",
	"    return [string]::Equals($a, $b, [System.StringComparison]::OrdinalIgnoreCase)",
	"}",
	"",
	"function Test-Address($addresses, [string] $wanted) {",
	"    foreach ($address in @($addresses)) {",
	"        if (Test-SameAddress ([string] $address) $wanted) { return $true }",
	"    }",
	"    return $false",
	"}",
	"",
	"function Test-Addresses($addresses, $wanted) {",
	"    foreach ($address in @($wanted)) {",
	"        if (-not (Test-Address $addresses ([string] $address))) { return $false }",
	"    }",
	"    return $true",
	"}",
	"",
	"function Get-TextStanding($item, $now) {",
	"    foreach ($side in @('to', 'from')) {",
	"        $wanted = @(Read-Texts $item.$side)",
	"        if ($wanted.Count -ne @($now).Count) { continue }",
	"        if ($wanted.Count -eq 0 -or (Test-Same ([string] $wanted[0]) ([string] @($now)[0]))) { return $side }",
	"    }",
	"    return 'neither'",
	"}",
	"",
	"# What a directory says may be anything: it is shown, and kept, in ASCII.",
	"function Format-Ascii([string] $text) {",
	"    return [regex]::Replace($text, '[^ -~]', { param($match) '\\u{0:x4}' -f [int] [char] $match.Value })",
	"}",
	"",
	"function Add-Result($item, [string] $state, [string] $text) {",
	"    if (@('changed', 'already', 'what-if') -notcontains $state) { $open[[int] $item.number] = $true }",
	"    [void] $results.Add([pscustomobject] @{",
	"        step = [int] $item.number",
	"        id = (Read-Text $item.id)",
	"        attribute = (Read-Text $item.attribute)",
	"        state = $state",
	"        text = $text",
	"    })",
	"    Write-Host (Format-Ascii ('step {0,6}  {1,-8}  {2}' -f $item.number, $state, $text))",
	"}",
	"",
	"function Test-Held($item) {",
	"    foreach ($number in @($item.after)) {",
	"        if ($open.ContainsKey([int] $number)) { return $true }",
	"    }",
	"    return $false",
	"}",
	"",
	"# A value that was parked is done with, once the step that takes it from there is.",
	"function Test-Passed($item) {",
	"    $number = [int] $item.until",
	"    return $number -gt 0 -and $items.ContainsKey($number) -and (Get-Found $items[$number]).standing -eq 'to'",
	"}",
	"",
	"# Reads, compares, writes: what is not as the plan saw it is skipped, and listed.",
	"function Invoke-Item($item) {",
	"    if (Test-Held $item) {",
	"        Add-Result $item 'held' 'a step that comes first is not done'",
	"        return",
	"    }",
	"    if ($parked.ContainsKey([int] $item.number)) {",
	"        Add-Result $item 'what-if' 'goes on from the step that parks it'",
	"        return",
	"    }",
	"    try {",
	"        $found = Get-Found $item",
	"        if ($found.standing -eq 'to') {",
	"            Add-Result $item 'already' ''",
	"        } elseif ($found.standing -ne 'from' -and (Test-Passed $item)) {",
	"            Add-Result $item 'already' 'and the step after it as well'",
	"        } elseif ($found.standing -ne 'from') {",
	"            Add-Result $item 'stale' ('what stands there is not what the plan saw: ' + ($found.now -join ' | '))",
	"        } else {",
	"            $null = Set-Found $item $found.target",
	"            if ($dry) { Add-Result $item 'what-if' '' } else { Add-Result $item 'changed' '' }",
	"            if ($dry -and [int] $item.until -gt 0) { $parked[[int] $item.until] = $true }",
	"        }",
	"    } catch {",
	"        Add-Result $item 'failed' ([string] $_.Exception.Message)",
	"    }",
	"}",
	"",
	"function Assert-InTime($plan) {",
	"    $culture = [System.Globalization.CultureInfo]::InvariantCulture",
	"    $expires = [System.DateTimeOffset]::Parse((Read-Text $plan.expires), $culture)",
	"    if ([System.DateTimeOffset]::UtcNow -ge $expires) { throw 'This plan has expired: make another one.' }",
	"}",
	"",
	"function Invoke-Plan([string] $block) {",
	"    $lines = @(Read-Lines $block)",
	"    $plan = $lines[0]",
	"    if ($lines.Count - 1 -ne [int] $plan.items) { throw 'The data of this file is not whole.' }",
	"    Assert-InTime $plan",
	"    Assert-Place $plan",
	"    foreach ($item in @($lines | Select-Object -Skip 1)) { $items[[int] $item.number] = $item }",
	"    foreach ($item in @($lines | Select-Object -Skip 1)) { Invoke-Item $item }",
	"    $report = [pscustomobject] @{",
	"        format = 'unstage-handoff-result/1'",
	"        plan = (Read-Text $plan.plan)",
	"        door = (Read-Text $plan.door)",
	"        tenant = (Read-Text $plan.tenant)",
	"        applied = (-not $dry)",
	"        at = [System.DateTimeOffset]::UtcNow.ToString('o')",
	"        results = @($results)",
	"    }",
	"    $json = ConvertTo-Json -InputObject $report -Depth 4 -Compress",
	"    Set-Content -LiteralPath $ResultPath -Value (Format-Ascii $json) -Encoding Ascii",
	"    Write-Host ('{0} steps, {1} of them open; see {2}' -f $results.Count, $open.Count, $ResultPath)",
	"    if ($dry) { Write-Host 'Nothing was changed: this was -WhatIf. The switch -Apply makes the changes.' }",
	"    if ($open.Count -gt 0) { exit 1 }",
	"}",
	NULL,
};
/* clang-format on */

/* ---- values ------------------------------------------------------------------------------- */

struct value_texts value_texts(struct span value)
{
	struct value_texts texts = { .value = value, .done = !value.data };

	texts.many = value.data && scan_type(value) == SCAN_ARRAY;
	if (texts.many)
		texts.scan = scan_open(value);
	return texts;
}

bool value_next(struct value_texts *texts, struct span *element)
{
	if (texts->done)
		return false;
	if (texts->many)
		return scan_element(&texts->scan, element);
	*element = texts->value;
	texts->done = true;
	return true;
}

bool value_has(struct span value, struct span element)
{
	struct value_texts texts = value_texts(value);
	struct span other;

	while (value_next(&texts, &other)) {
		if (span_equal(other, element))
			return true;
	}
	return false;
}

void value_add_plain(struct buf *out, struct span element)
{
	if (scan_type(element) == SCAN_STRING)
		scan_text(element, out);
	else
		buf_add_span(out, element);
}

/* ---- the block of data --------------------------------------------------------------------- */

void script_release(struct script *script)
{
	buf_release(&script->head);
	buf_release(&script->items);
}

static void add_marked(struct buf *out, struct span text)
{
	CLEANUP(buf_release) struct buf marked = BUF_UP_TO(DIRECTORY_LINE_MAX);

	buf_add_byte(&marked, '=');
	buf_add_span(&marked, text);
	scan_quote(buf_span(&marked), out);
}

void script_add_text(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, ",\"%s\":", key);
	if (text)
		add_marked(out, span_of(text));
	else
		buf_add_text(out, "null");
}

/* The texts of `value` that `without` does not have. */
static void add_values(struct buf *out, const char *key, struct span value, struct span without)
{
	struct value_texts texts = value_texts(value);
	struct span element;
	bool first = true;

	buf_addf(out, ",\"%s\":[", key);
	while (value_next(&texts, &element)) {
		CLEANUP(buf_release) struct buf plain = BUF_UP_TO(DIRECTORY_LINE_MAX);

		if (value_has(without, element))
			continue;
		value_add_plain(&plain, element);
		buf_add_text(out, first ? "" : ",");
		add_marked(out, buf_span(&plain));
		first = false;
	}
	buf_add_byte(out, ']');
}

static void add_after(struct buf *out, const struct plan_step *step)
{
	buf_add_text(out, ",\"after\":[");
	for (size_t i = 0; i < step->after_count; i++)
		buf_addf(out, "%s%zu", i ? "," : "", step->after[i]);
	buf_add_byte(out, ']');
}

void script_begin_item(struct script *script, const struct plan_step *step)
{
	struct buf *out = &script->items;

	script->count++;
	buf_addf(out, "{\"number\":%zu", step->number);
	script_add_text(out, "kind", step->kind->name);
	script_add_text(out, "id", step->id);
	script_add_text(out, "attribute", step->attribute->name);
	script_add_text(out, "target", step->target);
	add_values(out, "from", step->from, SPAN_NONE);
	add_values(out, "to", step->to, SPAN_NONE);
	add_values(out, "add", step->to, step->from);
	add_values(out, "remove", step->from, step->to);
	add_after(out, step);
	buf_addf(out, ",\"until\":%zu", step->until);
}

void script_end_item(struct script *script)
{
	buf_add_text(&script->items, "}\n");
}

static void add_head(struct buf *out, const struct script *script)
{
	const struct plan *plan = script->plan;
	char expires[TIME_TEXT_BYTES];

	buf_add_text(out, "{\"format\":\"=unstage-handoff/1\"");
	script_add_text(out, "plan", plan->id);
	script_add_text(out, "tenant", plan->tenant);
	script_add_text(out, "expires", time_text(plan->expires_ms, expires));
	buf_addf(out, ",\"items\":%zu", script->count);
	buf_add_span(out, buf_span(&script->head));
	buf_add_text(out, "}\n");
}

/* ---- the file ------------------------------------------------------------------------------- */

static void add_lines(struct buf *out, const char *const *lines)
{
	for (size_t i = 0; lines[i]; i++)
		buf_addf(out, "%s\n", lines[i]);
}

static void add_base64(struct buf *out, struct span data)
{
	for (size_t at = 0; at < data.length; at += BLOCK_LINE_BYTES) {
		char line[BLOCK_LINE_TEXT];
		size_t rest = data.length - at;

		sodium_bin2base64(line, sizeof(line), (const uint8_t *)data.data + at,
			rest < BLOCK_LINE_BYTES ? rest : BLOCK_LINE_BYTES,
			sodium_base64_VARIANT_ORIGINAL);
		buf_addf(out, "%s\n", line);
	}
}

void script_write(struct buf *out, const struct script *script, const char *const *introduction,
	const char *const *code, struct span table)
{
	CLEANUP(buf_release) struct buf data = BUF_UP_TO(HANDOFF_MAX);

	add_head(&data, script);
	buf_add_span(&data, buf_span(&script->items));
	add_lines(out, introduction);
	add_lines(out, common_code);
	add_lines(out, code);
	buf_add_span(out, table);
	buf_add_text(out, "\nInvoke-Plan @'\n");
	add_base64(out, buf_span(&data));
	buf_add_text(out, "'@\n");
	/* A block cut short would be another plan: overflow goes to whoever asked for the file. */
	out->overflowed |= data.overflowed || script->items.overflowed || script->head.overflowed;
}
