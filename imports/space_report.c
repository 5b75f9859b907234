/* What importing a connector space found: counts, and the first of each kind of note. */
#include "base/memory.h"
#include "base/text.h"
#include "imports/space_internal.h"

static const struct {
	const char *name, *text;
} notes[SPACE_NOTE_KINDS] = {
	[SPACE_NO_ID] = { "no id",
		"nothing tells which object of the directory this is: it was never made there, or the "
		"production server's space, or a live snapshot, would tell" },
	[SPACE_AMBIGUOUS] = { "ambiguous",
		"several objects of the directory fit; which of them was meant is not guessed" },
	[SPACE_NO_REFERENCE] = { "no reference",
		"it refers to an object that nothing tells the id of; the relation is unknown" },
	[SPACE_OTHER_TYPE] = { "other type", "objects of this type are not followed" },
	[SPACE_OTHER_NAME] = { "other name",
		"Graph does not show this attribute; what was written can't be compared" },
	[SPACE_NO_TIME] = { "no time",
		"it does not say when it was written; import the run history too, or say when" },
	[SPACE_PENDING_IMPORT] = { "pending import",
		"a change was imported and not synchronised yet; what stood before it was taken" },
	[SPACE_AFTER_INCIDENT] = { "after incident",
		"it was imported since the incident began; all of it is unknown" },
};

const char *space_note_name(enum space_note_kind kind)
{
	return notes[kind].name;
}

const char *space_note_text(enum space_note_kind kind)
{
	return notes[kind].text;
}

static char *kept(struct span text)
{
	return text.data ? memory_text_span(text.data, text.length) : NULL;
}

void space_note(struct space *space, enum space_note_kind kind, const struct space_object *object,
	struct span detail)
{
	struct space_report *report = space->report;

	if (report->noted[kind]++ >= SPACE_NOTES_MAX)
		return;
	if (!report->notes)
		report->notes = memory_array(
			(size_t)SPACE_NOTE_KINDS * SPACE_NOTES_MAX, sizeof(*report->notes));
	report->notes[report->note_count++] = (struct space_note){
		.kind = kind,
		.dn = kept(space_text(object, object->dn)),
		.detail = kept(detail),
	};
}

void space_report_add_write(struct space_report *report, const struct space_write *write)
{
	struct space_write copy = *write;

	report->written++;
	if (report->write_count == SPACE_WRITES_MAX)
		return;
	if (!report->writes)
		report->writes = memory_array(SPACE_WRITES_MAX, sizeof(*report->writes));
	copy.dn = memory_text(write->dn);
	copy.id = memory_text(write->id);
	copy.attribute = memory_text(write->attribute);
	copy.old_value = memory_text(write->old_value);
	copy.new_value = memory_text(write->new_value);
	report->writes[report->write_count++] = copy;
}

void space_report_free(struct space_report *report)
{
	if (!report)
		return;
	for (size_t i = 0; i < report->note_count; i++) {
		memory_free((char *)report->notes[i].dn);
		memory_free((char *)report->notes[i].detail);
	}
	for (size_t i = 0; i < report->write_count; i++) {
		memory_free((char *)report->writes[i].dn);
		memory_free((char *)report->writes[i].id);
		memory_free((char *)report->writes[i].attribute);
		memory_free((char *)report->writes[i].old_value);
		memory_free((char *)report->writes[i].new_value);
	}
	memory_free(report->notes);
	memory_free(report->writes);
	memory_free(report);
}
