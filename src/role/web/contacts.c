#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/web/people.h"
#include "wire/soap/soap.h"

/* Changes of the list of contacts ([MS-SIP] section 2.2: SOAP), whom the browser shows besides, and
 * the search of the directory. */

enum { FIELDS_MAX = 4 * 1024, FOUND_MAX = 50, TEXT_MAX = 256, MEMBERS_MAX = 100 };

static void on_changed(struct session *s, void *arg, int code, const struct sip_msg *m UNUSED)
{
	uint64_t number = (uint64_t)(uintptr_t)arg;
	if (code / 100 == 2)
		web_ok(s, number, STR(""));
	else
		web_fail_sip(s, number, code);
}

/* `{"group": 5}` of the answer to addGroup. */
static void on_group_added(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	uint64_t number = (uint64_t)(uintptr_t)arg;
	auto_(arena_free) struct arena *a = arena_new();
	char text[32];
	struct buf b = BUF_ON(text);
	struct soap answer;
	uint32_t id = 0;
	if (code / 100 != 2) {
		web_fail_sip(s, number, code);
		return;
	}
	if (soap_read(&answer, a, m->body) < 0 ||
	    str_to_u32(soap_arg(&answer, "groupID"), UINT32_MAX, &id) < 0) {
		web_fail_sip(s, number, 500);
		return;
	}
	buf_printf(&b, "\"group\":%u", id);
	web_ok(s, number, buf_view(&b));
}

static void soap(struct session *s, uint64_t number, const char *method, struct str fields,
                 web_done_fn *done)
{
	auto_(buf_free) struct buf b = buf_of(FIELDS_MAX + 1024);
	soap_put_method_begin(&b, method, SOAP_SPACE_SIP);
	buf_str(&b, fields);
	buf_lit(&b, "<m:deltaNum>0</m:deltaNum>");
	soap_put_method_end(&b, method);
	struct web_out o = { .method = SIP_SERVICE,
		             .lines = STR("Supported: msrtc-event-categories\r\n"),
		             .type = STR(SOAP_TYPE),
		             .body = buf_view(&b) };
	web_send(s, &o, done, (void *)(uintptr_t)number);
}

static void put_uri(struct buf *b, struct str uri)
{
	buf_lit(b, "<m:URI>sip:");
	xml_put_text(b, uri);
	buf_lit(b, "</m:URI>");
}

static void set_contact(struct session *s, uint64_t number, struct str uri, struct str name,
                        struct str groups)
{
	auto_(buf_free) struct buf b = buf_of(FIELDS_MAX);
	xml_put_element(&b, "m:displayName", name);
	xml_put_element(&b, "m:groups", groups);
	buf_lit(&b, "<m:subscribed>true</m:subscribed>");
	put_uri(&b, uri);
	buf_lit(&b, "<m:externalURI></m:externalURI>");
	soap(s, number, "setContact", buf_view(&b), on_changed);
}

/* The contact that the request names, or NULL and an answer. */
static struct person *contact_of(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct str uri = wb_people_bare(web_text(args, "uri"), space);
	struct person *x = uri.len ? wb_person_find(s->people, uri) : NULL;
	if (x && x->contact)
		return x;
	web_fail(s, number, "not_found", "This person is none of your contacts.", "");
	return NULL;
}

void wb_people_contacts_add(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1], text[16];
	struct buf b = BUF_ON(text);
	struct str uri = wb_people_bare(web_text(args, "uri"), space),
	           name = web_text(args, "name");
	const cJSON *group = cJSON_GetObjectItemCaseSensitive(args, "group");
	double id = cJSON_IsNumber(group) ? group->valuedouble : 1;
	if (uri.len == 0 || name.len > WEB_NAME_MAX || id < 1 || id > UINT32_MAX) {
		web_bad(s, number, "uri is no address, name too long, or group no number");
		return;
	}
	buf_printf(&b, "%u", (unsigned)id);
	set_contact(s, number, uri, name, buf_view(&b));
}

void wb_people_contacts_remove(struct session *s, uint64_t number, const cJSON *args)
{
	auto_(buf_free) struct buf b = buf_of(FIELDS_MAX);
	const struct person *x = contact_of(s, number, args);
	if (!x)
		return;
	put_uri(&b, str_of(x->uri));
	soap(s, number, "deleteContact", buf_view(&b), on_changed);
}

void wb_people_contacts_move(struct session *s, uint64_t number, const cJSON *args)
{
	char text[512];
	struct buf b = BUF_ON(text);
	const cJSON *ids = cJSON_GetObjectItemCaseSensitive(args, "groups"), *id;
	const struct person *x = contact_of(s, number, args);
	if (!x)
		return;
	cJSON_ArrayForEach(id, ids)
	{
		if (cJSON_IsNumber(id) && id->valuedouble >= 1 && id->valuedouble <= UINT32_MAX)
			buf_printf(&b, "%s%u", b.len ? " " : "", (unsigned)id->valuedouble);
	}
	if (b.len == 0 || b.full)
		web_bad(s, number, "groups are some numbers");
	else
		set_contact(s, number, str_of(x->uri), wb_person_name(x), buf_view(&b));
}

void wb_people_contacts_rename(struct session *s, uint64_t number, const cJSON *args)
{
	struct str name = web_text(args, "name");
	const struct person *x = contact_of(s, number, args);
	if (!x)
		return;
	if (!name.p || name.len > WEB_NAME_MAX)
		web_bad(s, number, "name is missing or too long");
	else
		set_contact(s, number, str_of(x->uri), name, wb_person_groups(x));
}

/* --- groups ---------------------------------------------------------------------------------- */

static void put_group(struct buf *b, const cJSON *args)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(args, "group");
	buf_printf(b, "<m:groupID>%u</m:groupID>",
	           cJSON_IsNumber(id) && id->valuedouble >= 0 && id->valuedouble <= UINT32_MAX
	                   ? (unsigned)id->valuedouble
	                   : 0);
}

static bool put_name(struct session *s, uint64_t number, const cJSON *args, struct buf *b)
{
	struct str name = web_text(args, "name");
	if (name.len == 0 || name.len > WEB_NAME_MAX) {
		web_bad(s, number, "name is missing or too long");
		return false;
	}
	xml_put_element(b, "m:name", name);
	buf_lit(b, "<m:externalURI></m:externalURI>");
	return true;
}

void wb_people_groups_add(struct session *s, uint64_t number, const cJSON *args)
{
	auto_(buf_free) struct buf b = buf_of(FIELDS_MAX);
	if (put_name(s, number, args, &b))
		soap(s, number, "addGroup", buf_view(&b), on_group_added);
}

void wb_people_groups_rename(struct session *s, uint64_t number, const cJSON *args)
{
	auto_(buf_free) struct buf b = buf_of(FIELDS_MAX);
	put_group(&b, args);
	if (put_name(s, number, args, &b))
		soap(s, number, "modifyGroup", buf_view(&b), on_changed);
}

void wb_people_groups_remove(struct session *s, uint64_t number, const cJSON *args)
{
	auto_(buf_free) struct buf b = buf_of(FIELDS_MAX);
	put_group(&b, args);
	soap(s, number, "deleteGroup", buf_view(&b), on_changed);
}

/* --- whom else the browser shows ------------------------------------------------------------- */

void wb_people_watch(struct session *s, uint64_t number, const cJSON *args)
{
	struct people *p = s->people;
	const cJSON *uris = cJSON_GetObjectItemCaseSensitive(args, "uris"), *one;
	if (!cJSON_IsArray(uris) || cJSON_GetArraySize(uris) > WEB_PEOPLE_MAX) {
		web_bad(s, number, "uris is a list of at most 500 addresses");
		return;
	}
	list_for(it, &p->all) list_entry(it, struct person, node)->shown = false;
	cJSON_ArrayForEach(one, uris)
	{
		char space[WEB_SIP_URI_MAX + 1];
		struct str uri = cJSON_IsString(one)
		                         ? wb_people_bare(str_of(one->valuestring), space)
		                         : STR("");
		struct person *x = uri.len ? wb_person_get(p, uri) : NULL;
		if (x)
			x->shown = true;
	}
	wb_people_ask(s);
	web_ok(s, number, STR(""));
}

/* --- the directory --------------------------------------------------------------------------- */

void wb_search_free(struct search *x)
{
	list_del(&x->node);
	accounts_req_free(&x->req);
	free(x);
}

static void put_if(struct buf *b, const char *name, struct str value)
{
	if (value.len > 0)
		json_put_member(b, name, value);
}

static void put_found(struct buf *b, const struct acct_person *x)
{
	buf_lit(b, "{\"uri\":");
	json_put_str(b, x->uri);
	json_put_member(b, "name", x->display_name);
	put_if(b, "title", x->title);
	put_if(b, "department", x->department);
	put_if(b, "office", x->office);
	put_if(b, "email", x->email);
	put_if(b, "photo", x->photo);
	if (x->phone.len > 0) {
		buf_lit(b, ",\"phones\":[");
		json_put_str(b, x->phone);
		buf_char(b, ']');
	}
	buf_char(b, '}');
}

static void answer(struct session *s, uint64_t number, const struct accounts_found *f)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	if (f->err == -ENOENT) {
		web_fail(s, number, "not_found", "There is no distribution group of this address.",
		         "");
		return;
	}
	if (f->err < 0) {
		web_fail(s, number, "no_server", "The directory does not answer at the moment.",
		         "Try again in a moment.");
		return;
	}
	buf_lit(&b, "\"people\":[");
	for (size_t i = 0; i < f->n; i++) {
		buf_str(&b, i ? STR(",") : STR(""));
		put_found(&b, &f->people[i]);
	}
	buf_printf(&b, "],\"more\":%s", f->more ? "true" : "false");
	web_ok(s, number, buf_view(&b));
}

static void on_found(void *arg, const struct accounts_found *f)
{
	struct search *x = arg;
	x->req = NULL; /* it ends with this call */
	answer(x->s, x->number, f);
	wb_search_free(x);
}

static struct search *search_new(struct session *s, uint64_t number)
{
	struct search *x = xnew(struct search);
	x->s = s;
	x->number = number;
	list_add(&s->people->searches, &x->node);
	return x;
}

void wb_people_members(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct str group = wb_people_bare(web_text(args, "group"), space);
	if (group.len == 0) {
		web_bad(s, number, "group is no address");
		return;
	}
	struct search *x = search_new(s, number);
	x->req = accounts_members(s->web->accounts, group, MEMBERS_MAX, on_found, x);
}

void wb_people_search(struct session *s, uint64_t number, const cJSON *args)
{
	struct str text = str_trim(web_text(args, "text"));
	if (text.len == 0 || text.len > TEXT_MAX) {
		web_bad(s, number, "text is missing or too long");
		return;
	}
	struct acct_query q = { .max = FOUND_MAX, .n = 1, .rows = { { ACCT_ANY, text } } };
	struct search *x = search_new(s, number);
	x->req = accounts_search(s->web->accounts, &q, on_found, x);
}
