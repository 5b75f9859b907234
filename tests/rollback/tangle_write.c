/* A tangle as planning sees it: lines of live, and findings about what staging did. */
#include "tests/rollback/tangle.h"

static void add_address(struct buf *out, int address)
{
	buf_addf(out, "a%d@x.org", address);
}

static bool is_user(size_t object)
{
	return tangle_kind(object) == KIND_USER;
}

/* ---- values ------------------------------------------------------------------------------- */

static void add_element(struct buf *out, const struct tangle_object *object, int address)
{
	buf_addf(out, "\"%s:", object->primary == address ? "SMTP" : "smtp");
	add_address(out, address);
	buf_add_byte(out, '"');
}

static void add_addresses(struct buf *out, const struct tangle_object *object)
{
	CLEANUP(buf_release) struct buf set = BUF_UP_TO(TANGLE_LINE);
	struct error err = { 0 };

	for (int i = 0; i < TANGLE_POOL; i++) {
		if (!object->has[i])
			continue;
		buf_add_byte(&set, set.length ? ',' : '[');
		add_element(&set, object, i);
	}
	if (!set.length)
		return;
	buf_add_byte(&set, ']');
	assert_true(value_add_canonical(out,
		attribute_find(kind_get(KIND_USER), SPAN_LITERAL("proxyAddresses")), buf_span(&set),
		&err));
}

static void add_single(struct buf *out, int address)
{
	if (address == TANGLE_NONE)
		return;
	buf_add_byte(out, '"');
	add_address(out, address);
	buf_add_byte(out, '"');
}

static void add_value(
	struct buf *out, const struct tangle_object *object, const struct attribute *attribute)
{
	if (strcmp(attribute->name, "userPrincipalName") == 0)
		add_single(out, object->name);
	else if (strcmp(attribute->name, "mail") == 0)
		add_single(out, object->primary);
	else if (strcmp(attribute->name, "proxyAddresses") == 0)
		add_addresses(out, object);
	else if (strcmp(attribute->name, "department") == 0)
		buf_addf(out, "\"D%d\"", object->department);
	else if (object->manager != TANGLE_NONE)
		buf_addf(out, "\"%s\"", tangle_id((size_t)object->manager));
}

void tangle_add_wanted(struct buf *out, const struct tangle *tangle, size_t object,
	const struct attribute *attribute)
{
	add_value(out, &tangle->wanted[object], attribute);
}

/* ---- lines -------------------------------------------------------------------------------- */

static void add_member(
	struct buf *out, const struct tangle_object *object, enum kind_id kind, const char *name)
{
	const struct attribute *attribute = attribute_find(kind_get(kind), span_of(name));
	CLEANUP(buf_release) struct buf value = BUF_UP_TO(TANGLE_LINE);

	if (!attribute)
		return;
	add_value(&value, object, attribute);
	if (value.length)
		buf_addf(out, ",\"%s\":%s", name, buf_text(&value));
}

/* The service frees the sign-in name of what is deleted. */
static void add_name(struct buf *out, const struct tangle_object *object, size_t which)
{
	if (object->name == TANGLE_NONE)
		return;
	buf_add_text(out, ",\"userPrincipalName\":\"");
	for (const char *at = tangle_id(which); object->where == TANGLE_DELETED && *at; at++)
		if (*at != '-')
			buf_add_byte(out, *at);
	add_address(out, object->name);
	buf_add_byte(out, '"');
}

static void add_relation(struct buf *out, const struct tangle *tangle, size_t which,
	const char *relation, const bool *there)
{
	size_t count = 0;

	for (size_t i = 0; i < TANGLE_USERS; i++) {
		if (!there[i] || tangle->live[i].where != TANGLE_THERE)
			continue;
		if (!count++)
			buf_addf(out, "{\"id\":\"%s\",\"kind\":\"group\",%s", tangle_id(which),
				strcmp(relation, "owners") == 0 ? "\"owners\":[" : "\"members\":[");
		buf_addf(out, "%s\"%s\"", count > 1 ? "," : "", tangle_id(i));
	}
	if (count)
		buf_addf(out, "],\"part\":\"%s:\"}\n", relation);
}

static void write_line(struct tangle *tangle, size_t which)
{
	const struct tangle_object *object = &tangle->live[which];
	CLEANUP(buf_release) struct buf line = BUF_UP_TO(TANGLE_LINE - 1);
	enum kind_id kind = tangle_kind(which);
	bool manager = object->manager != TANGLE_NONE &&
		tangle->live[object->manager].where == TANGLE_THERE;

	if (object->where == TANGLE_NOWHERE)
		return;
	buf_add_byte(&line, '{');
	if (object->where == TANGLE_DELETED)
		buf_add_text(&line, "\"deleted\":true,");
	if (kind == KIND_USER)
		buf_addf(&line, "\"department\":\"D%d\",", object->department);
	buf_addf(&line, "\"id\":\"%s\",\"kind\":\"%s\"", tangle_id(which), kind_get(kind)->name);
	add_member(&line, object, kind, "mail");
	if (kind == KIND_USER && manager)
		add_member(&line, object, kind, "manager");
	if (kind == KIND_USER)
		buf_addf(&line, ",\"onPremisesImmutableId\":\"QW5jaG9y%02zu==\"", which);
	add_member(&line, object, kind, "proxyAddresses");
	add_name(&line, object, which);
	buf_add_text(&line, "}\n");
	if (kind == KIND_GROUP) {
		add_relation(&line, tangle, which, "members", object->members);
		add_relation(&line, tangle, which, "owners", object->owners);
	}
	assert_false(line.overflowed);
	memcpy(tangle->lines[which], line.data, line.length + 1);
}

/* ---- findings ----------------------------------------------------------------------------- */

/* Texts stay where they are: the buffer never moves, since all its room is taken at once. */
static struct span keep(struct tangle *tangle, const struct buf *text)
{
	size_t at = tangle->texts.length;

	if (!text->length)
		return SPAN_NONE;
	buf_add(&tangle->texts, text->data, text->length);
	return (struct span){ tangle->texts.data + at, text->length };
}

static enum door door_of(const struct tangle *tangle, size_t which, const char *attribute)
{
	bool addresses = strcmp(attribute, "proxyAddresses") == 0 ||
		(strcmp(attribute, "mail") == 0 && !is_user(which)) ||
		tangle_kind(which) == KIND_CONTACT;

	return tangle->doors[which] == DOOR_GRAPH && addresses ? DOOR_EXCHANGE
							       : tangle->doors[which];
}

static void add_finding(struct tangle *tangle, struct finding finding, enum door door)
{
	assert_true(tangle->finding_count < TANGLE_FINDINGS);
	finding.door = door;
	tangle->findings[tangle->finding_count] = finding;
	tangle->pointers[tangle->finding_count] = &tangle->findings[tangle->finding_count];
	tangle->finding_count++;
}

static void find_value(struct tangle *tangle, size_t which, const char *name)
{
	enum kind_id kind = tangle_kind(which);
	const struct attribute *attribute = attribute_find(kind_get(kind), span_of(name));
	CLEANUP(buf_release) struct buf wanted = BUF_UP_TO(TANGLE_LINE);
	CLEANUP(buf_release) struct buf live = BUF_UP_TO(TANGLE_LINE);

	add_value(&wanted, &tangle->wanted[which], attribute);
	add_value(&live, &tangle->live[which], attribute);
	if (span_equal(buf_span(&wanted), buf_span(&live)))
		return;
	add_finding(tangle,
		value_finding(
			kind, tangle_id(which), name, keep(tangle, &wanted), keep(tangle, &live)),
		door_of(tangle, which, name));
}

static bool is_deleted(const struct tangle *tangle, int object)
{
	return object != TANGLE_NONE && tangle->live[object].where != TANGLE_THERE;
}

static void find_manager(struct tangle *tangle, size_t which)
{
	/* References to what was deleted come back with it. */
	if (!is_deleted(tangle, tangle->live[which].manager) &&
		!is_deleted(tangle, tangle->wanted[which].manager))
		find_value(tangle, which, "manager");
}

static void find_address(struct tangle *tangle, size_t which, int address)
{
	const struct tangle_object *wanted = &tangle->wanted[which], *live = &tangle->live[which];
	CLEANUP(buf_release) struct buf before = BUF_UP_TO(64), now = BUF_UP_TO(64);
	CLEANUP(buf_release) struct buf key = BUF_UP_TO(64);
	bool becomes_primary = wanted->primary == address && live->primary != address;

	if (wanted->has[address] == live->has[address] && !becomes_primary)
		return;
	if (wanted->has[address])
		add_element(&before, wanted, address);
	if (live->has[address])
		add_element(&now, live, address);
	buf_add_text(&key, "smtp:");
	add_address(&key, address);
	buf_add_byte(&key, '\0');
	add_finding(tangle,
		element_finding(tangle_kind(which), tangle_id(which), "proxyAddresses",
			keep(tangle, &key).data, keep(tangle, &before), keep(tangle, &now)),
		door_of(tangle, which, "proxyAddresses"));
}

static void find_relation(struct tangle *tangle, size_t which, const char *relation,
	const bool *wanted, const bool *live)
{
	for (size_t i = 0; i < TANGLE_USERS; i++) {
		CLEANUP(buf_release) struct buf id = BUF_UP_TO(64);
		struct span value;

		if (wanted[i] == live[i] || is_deleted(tangle, (int)i))
			continue;
		buf_addf(&id, "\"%s\"", tangle_id(i));
		value = keep(tangle, &id);
		add_finding(tangle,
			element_finding(KIND_GROUP, tangle_id(which), relation, tangle_id(i),
				wanted[i] ? value : SPAN_NONE, live[i] ? value : SPAN_NONE),
			door_of(tangle, which, relation));
	}
}

static void find_values(struct tangle *tangle, size_t which)
{
	const struct tangle_object *wanted = &tangle->wanted[which], *live = &tangle->live[which];

	if (is_user(which)) {
		find_value(tangle, which, "department");
		find_value(tangle, which, "userPrincipalName");
		find_manager(tangle, which);
	}
	find_value(tangle, which, "mail");
	for (int i = 0; i < TANGLE_POOL; i++)
		find_address(tangle, which, i);
	if (tangle_kind(which) != KIND_GROUP)
		return;
	find_relation(tangle, which, "members", wanted->members, live->members);
	find_relation(tangle, which, "owners", wanted->owners, live->owners);
}

static void find(struct tangle *tangle, size_t which)
{
	enum tangle_where wanted = tangle->wanted[which].where, live = tangle->live[which].where;
	enum door door = tangle->doors[which];

	if (wanted == live) {
		if (live == TANGLE_THERE)
			find_values(tangle, which);
	} else if (live == TANGLE_DELETED) {
		add_finding(tangle,
			object_finding(tangle_kind(which), tangle_id(which), CHANGE_DELETED),
			door == DOOR_GRAPH ? DOOR_GRAPH : DOOR_SYNC);
	} else {
		add_finding(tangle,
			object_finding(tangle_kind(which), tangle_id(which), CHANGE_CREATED),
			door == DOOR_GRAPH ? DOOR_GRAPH : DOOR_ADSYNC);
	}
}

/* ---- planning ----------------------------------------------------------------------------- */

bool tangle_visit(void *context, const struct snapshot_visitor *visitor, struct error *err)
{
	const struct tangle *tangle = context;
	const char *lines[TANGLE_OBJECTS];
	size_t count = 0;

	for (size_t i = 0; i < TANGLE_OBJECTS; i++)
		if (tangle->lines[i][0])
			lines[count++] = tangle->lines[i];
	return visit_objects(visitor, lines, count, err);
}

struct plan *tangle_plan(struct tangle *tangle)
{
	CLEANUP(plan_freep) struct plan *plan = plan_with_head();
	struct error err = { 0 };
	struct plan_input input = {
		.findings = tangle->pointers, .visit = tangle_visit, .context = tangle
	};

	(void)buf_room(&tangle->texts, 256 << 10);
	for (size_t i = 0; i < TANGLE_OBJECTS; i++) {
		write_line(tangle, i);
		find(tangle, i);
	}
	input.count = tangle->finding_count;
	if (!plan_add_steps(plan, &input, &err))
		fail_msg("%s", err.text);
	return TAKE(plan);
}
