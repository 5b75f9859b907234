/*
 * "<stem>-directory.ldif": the steps for Active Directory once more, for ldifde or ldapmodify.
 *
 * The old value is deleted by name and the new one added in the same modification, so that a server
 * refuses the whole of it where another value stands by now. Every value that is not plain ASCII, or
 * could be read as something else, is base64.
 */
#include <sodium.h>

#include "base/memory.h"
#include "base/time.h"
#include "rollback/handoff_internal.h"

enum { LINE_MAX_COLUMNS = 76 };

static void add_folded(struct buf *out, struct span line)
{
	size_t room = LINE_MAX_COLUMNS;

	while (line.length > room) {
		buf_add(out, line.data, room);
		buf_add_text(out, "\n ");
		line = (struct span){ line.data + room, line.length - room };
		room = LINE_MAX_COLUMNS - 1;
	}
	buf_add_span(out, line);
	buf_add_byte(out, '\n');
}

/* SAFE-STRING of RFC 2849, and printable; a blank at its end would be lost on the way. */
static bool is_safe(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < ' ' || text.data[i] > '~')
			return false;
	}
	return !text.length || (!strchr(" :<", text.data[0]) && text.data[text.length - 1] != ' ');
}

static void add_line(struct buf *out, const char *name, struct span value)
{
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(DIRECTORY_LINE_MAX);

	if (is_safe(value)) {
		buf_addf(&line, "%s: %.*s", name, SPAN_FORMAT(value));
	} else {
		size_t size = sodium_base64_encoded_len(
			value.length, sodium_base64_VARIANT_ORIGINAL);
		CLEANUP(memory_freep) char *text = memory_array(size, 1);

		sodium_bin2base64(text, size, (const uint8_t *)value.data, value.length,
			sodium_base64_VARIANT_ORIGINAL);
		buf_addf(&line, "%s:: %s", name, text);
	}
	add_folded(out, buf_span(&line));
	out->overflowed |= line.overflowed;
}

/* The texts of `value` that `without` does not have, as one change. */
static void add_change(struct buf *out, const char *change, const char *name, struct span value,
	struct span without)
{
	struct value_texts texts = value_texts(value);
	struct span element;
	bool begun = false;

	while (value_next(&texts, &element)) {
		CLEANUP(buf_release) struct buf plain = BUF_UP_TO(DIRECTORY_LINE_MAX);

		if (value_has(without, element))
			continue;
		if (!begun)
			buf_addf(out, "%s: %s\n", change, name);
		begun = true;
		value_add_plain(&plain, element);
		add_line(out, name, buf_span(&plain));
	}
	if (begun)
		buf_add_text(out, "-\n");
}

static void add_step(struct buf *out, const struct plan_step *step)
{
	const char *name = directory_name(step->attribute);

	buf_addf(out, "\n# step %zu: %s of the %s %s\n", step->number, step->attribute->name,
		step->kind->name, step->id);
	if (directory_is_for_script_only(step->attribute)) {
		buf_addf(out, "# is a bit of %s, which LDIF can't change: the .ps1 beside does.\n",
			name);
		return;
	}
	add_line(out, "dn", span_of(step->distinguished_name));
	buf_add_text(out, "changetype: modify\n");
	add_change(out, "delete", name, step->from, step->to);
	add_change(out, "add", name, step->to, step->from);
}

void handoff_add_ldif(struct buf *out, const struct plan *plan)
{
	char expires[TIME_TEXT_BYTES];

	buf_addf(out,
		"version: 1\n"
		"# A hand-off file of unstage, for ldifde -i -f FILE or ldapmodify -c -f FILE.\n"
		"# plan %s, tenant %s\n"
		"# It expires %s: LDIF can't check that, nor where it runs; the .ps1 beside can.\n"
		"# A change whose old value does not stand there any more is refused by the server.\n",
		plan->id, plan->tenant, time_text(plan->expires_ms, expires));
	for (size_t i = 0; i < plan->step_count; i++) {
		if (plan->steps[i].door == DOOR_DIRECTORY)
			add_step(out, &plan->steps[i]);
	}
}
