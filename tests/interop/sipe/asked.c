#include "asked.h"

#include <stdarg.h>
#include <string.h>

#include "event.h"

enum { ACTIONS_MAX = 8 };

enum kind { ACTIONS, INPUT, CHOICE, FIELDS, FILE_NAME, AUTHORIZE };

static const char *const kind_names[] = {
	[ACTIONS] = "actions", [INPUT] = "input",         [CHOICE] = "choice",
	[FIELDS] = "fields",   [FILE_NAME] = "file-name", [AUTHORIZE] = "authorize",
};

/* One open question.  libpurple's handle of it is this struct. */
struct asked {
	unsigned id;
	enum kind kind;
	PurpleRequestType type;
	void *about;                 /* libpurple's user data */
	GCallback ok, cancel;        /* all but ACTIONS */
	PurpleRequestFields *fields; /* FIELDS; libpurple owns them */
	int n_actions;
	GCallback action[ACTIONS_MAX];
	char *label[ACTIONS_MAX];
};

static struct asked *asked_new(enum kind kind, PurpleRequestType type, void *about)
{
	struct driver *d = driver_of();
	struct asked *a = g_new0(struct asked, 1);
	a->id = ++d->n_asked;
	a->kind = kind;
	a->type = type;
	a->about = about;
	d->asked = g_list_prepend(d->asked, a);
	return a;
}

static void asked_free(struct asked *a)
{
	struct driver *d = driver_of();
	d->asked = g_list_remove(d->asked, a);
	for (int i = 0; i < a->n_actions; i++)
		g_free(a->label[i]);
	g_free(a);
}

static cJSON *question(const struct asked *a, const char *title, const char *primary,
                       const char *secondary)
{
	cJSON *ev = event_new("request");
	event_number(ev, "id", a->id);
	event_text(ev, "kind", kind_names[a->kind]);
	event_text(ev, "title", title);
	event_text(ev, "primary", primary);
	event_text(ev, "secondary", secondary);
	return ev;
}

/* The callbacks have the parameters that libpurple's struct says. */

static void *ask_actions(const char *title, const char *primary, const char *secondary,
                         int preferred, PurpleAccount *account, const char *who,
                         PurpleConversation *conv, void *about, size_t n_actions, va_list actions)
{
	(void)preferred;
	(void)account;
	(void)conv;
	struct asked *a = asked_new(ACTIONS, PURPLE_REQUEST_ACTION, about);
	cJSON *ev = question(a, title, primary, secondary);
	event_text(ev, "who", who);
	cJSON *labels = cJSON_AddArrayToObject(ev, "actions");
	for (size_t i = 0; i < MIN(n_actions, ACTIONS_MAX); i++) {
		a->label[i] = g_strdup(va_arg(actions, const char *));
		a->action[i] = va_arg(actions, GCallback);
		a->n_actions++;
		cJSON_AddItemToArray(labels, cJSON_CreateString(a->label[i]));
	}
	event_send(ev);
	return a;
}

static void *ask_input(const char *title, const char *primary, const char *secondary,
                       const char *text, gboolean multiline, gboolean masked, gchar *hint,
                       const char *ok_text, GCallback ok, const char *cancel_text, GCallback cancel,
                       PurpleAccount *account, const char *who, PurpleConversation *conv,
                       void *about)
{
	(void)multiline;
	(void)masked;
	(void)hint;
	(void)ok_text;
	(void)cancel_text;
	(void)account;
	(void)conv;
	struct asked *a = asked_new(INPUT, PURPLE_REQUEST_INPUT, about);
	a->ok = ok;
	a->cancel = cancel;
	cJSON *ev = question(a, title, primary, secondary);
	event_text(ev, "who", who);
	event_text(ev, "text", text);
	event_send(ev);
	return a;
}

static void *ask_choice(const char *title, const char *primary, const char *secondary,
                        int preferred, const char *ok_text, GCallback ok, const char *cancel_text,
                        GCallback cancel, PurpleAccount *account, const char *who,
                        PurpleConversation *conv, void *about, va_list choices)
{
	(void)preferred;
	(void)ok_text;
	(void)cancel_text;
	(void)account;
	(void)conv;
	struct asked *a = asked_new(CHOICE, PURPLE_REQUEST_CHOICE, about);
	a->ok = ok;
	a->cancel = cancel;
	cJSON *ev = question(a, title, primary, secondary);
	event_text(ev, "who", who);
	cJSON *values = cJSON_AddObjectToObject(ev, "choices");
	for (const char *label; (label = va_arg(choices, const char *)) != NULL;)
		cJSON_AddNumberToObject(values, label, va_arg(choices, int));
	event_send(ev);
	return a;
}

static void describe_fields(cJSON *out, PurpleRequestFields *fields)
{
	for (const GList *g = purple_request_fields_get_groups(fields); g; g = g->next)
		for (const GList *f = purple_request_field_group_get_fields(g->data); f;
		     f = f->next)
			event_text(out, purple_request_field_get_id(f->data),
			           purple_request_field_get_label(f->data));
}

static void *ask_fields(const char *title, const char *primary, const char *secondary,
                        PurpleRequestFields *fields, const char *ok_text, GCallback ok,
                        const char *cancel_text, GCallback cancel, PurpleAccount *account,
                        const char *who, PurpleConversation *conv, void *about)
{
	(void)ok_text;
	(void)cancel_text;
	(void)account;
	(void)conv;
	struct asked *a = asked_new(FIELDS, PURPLE_REQUEST_FIELDS, about);
	a->ok = ok;
	a->cancel = cancel;
	a->fields = fields;
	cJSON *ev = question(a, title, primary, secondary);
	event_text(ev, "who", who);
	describe_fields(cJSON_AddObjectToObject(ev, "fields"), fields);
	event_send(ev);
	return a;
}

static void *ask_file(const char *title, const char *name, gboolean save, GCallback ok,
                      GCallback cancel, PurpleAccount *account, const char *who,
                      PurpleConversation *conv, void *about)
{
	(void)save;
	(void)account;
	(void)conv;
	struct asked *a = asked_new(FILE_NAME, PURPLE_REQUEST_FILE, about);
	a->ok = ok;
	a->cancel = cancel;
	cJSON *ev = question(a, title, NULL, NULL);
	event_text(ev, "who", who);
	event_text(ev, "text", name);
	event_send(ev);
	return a;
}

/* libpurple takes a question back, or has got our answer. */
static void close_question(PurpleRequestType type, void *handle)
{
	(void)type;
	asked_free(handle);
}

static PurpleRequestUiOps request_ops = {
	.request_input = ask_input,
	.request_choice = ask_choice,
	.request_action = ask_actions,
	.request_fields = ask_fields,
	.request_file = ask_file,
	.close_request = close_question,
};

/* Somebody wants to see this account's presence. */
static void *ask_authorize(PurpleAccount *account, const char *who, const char *id,
                           const char *alias, const char *message, gboolean on_list,
                           PurpleAccountRequestAuthorizationCb yes,
                           PurpleAccountRequestAuthorizationCb no, void *about)
{
	(void)account;
	(void)id;
	struct asked *a = asked_new(AUTHORIZE, PURPLE_REQUEST_ACTION, about);
	a->ok = G_CALLBACK(yes);
	a->cancel = G_CALLBACK(no);
	cJSON *ev = question(a, NULL, message, NULL);
	event_text(ev, "who", who);
	event_text(ev, "alias", alias);
	event_bool(ev, "listed", on_list);
	event_send(ev);
	return a;
}

static void close_authorize(void *handle)
{
	asked_free(handle);
}

static void added_by(PurpleAccount *account, const char *who, const char *id, const char *alias,
                     const char *message)
{
	(void)account;
	(void)id;
	cJSON *ev = event_new("added-by");
	event_text(ev, "who", who);
	event_text(ev, "alias", alias);
	event_text(ev, "message", message);
	event_send(ev);
}

static PurpleAccountUiOps account_ops = {
	.notify_added = added_by,
	.request_add = added_by,
	.request_authorize = ask_authorize,
	.close_account_request = close_authorize,
};

void asked_init(void)
{
	purple_request_set_ui_ops(&request_ops);
	purple_accounts_set_ui_ops(&account_ops);
}

/* Answers. */

/* {"action": LABEL or NUMBER}; the last one, which is to refuse or cancel, unless it is said. */
static int chosen_action(const struct asked *a, const cJSON *args)
{
	const char *label = arg_text(args, "action", "");
	for (int i = 0; i < a->n_actions; i++)
		if (strcmp(a->label[i], label) == 0)
			return i;
	return arg_number(args, "action", a->n_actions - 1);
}

static const char *answer_actions(const struct asked *a, int number)
{
	if (number < 0 || number >= a->n_actions)
		return "there is no such action";
	if (a->action[number])
		((PurpleRequestActionCb)a->action[number])(a->about, number);
	return NULL;
}

/* By its id, or by the label that the user sees. */
static PurpleRequestField *field_named(PurpleRequestFields *fields, const char *name)
{
	for (const GList *g = purple_request_fields_get_groups(fields); g; g = g->next)
		for (const GList *f = purple_request_field_group_get_fields(g->data); f;
		     f = f->next)
			if (strcmp(purple_request_field_get_id(f->data), name) == 0 ||
			    g_strcmp0(purple_request_field_get_label(f->data), name) == 0)
				return f->data;
	return NULL;
}

static int choice_named(const PurpleRequestField *f, const char *label)
{
	int n = 0;
	for (const GList *l = purple_request_field_choice_get_labels(f); l; l = l->next, n++)
		if (strcmp(l->data, label) == 0)
			return n;
	return -1;
}

static void fill_in_text(PurpleRequestField *f, const char *text)
{
	if (purple_request_field_get_type(f) == PURPLE_REQUEST_FIELD_CHOICE)
		purple_request_field_choice_set_value(f, choice_named(f, text));
	else
		purple_request_field_string_set_value(f, text);
}

/* {"fields": {ID or label: text, label or number of a choice, or truth}}.  FALSE if there is no
 * such field. */
static gboolean fill_in(PurpleRequestFields *fields, const cJSON *values)
{
	const cJSON *v;
	cJSON_ArrayForEach(v, values)
	{
		PurpleRequestField *f = field_named(fields, v->string);
		if (!f)
			return FALSE;
		if (cJSON_IsString(v))
			fill_in_text(f, v->valuestring);
		else if (cJSON_IsNumber(v))
			purple_request_field_choice_set_value(f, v->valueint);
		else if (cJSON_IsBool(v))
			purple_request_field_bool_set_value(f, cJSON_IsTrue(v));
	}
	return TRUE;
}

/* With "cancel": true it is refused. */
static const char *answer_ok(const struct asked *a, const cJSON *args)
{
	GCallback fn = arg_true(args, "cancel") ? a->cancel : a->ok;
	if (!fn)
		return NULL;
	switch (a->kind) {
	case INPUT:
		((PurpleRequestInputCb)fn)(a->about, arg_text(args, "text", ""));
		break;
	case CHOICE:
		((PurpleRequestChoiceCb)fn)(a->about, arg_number(args, "value", 0));
		break;
	case FIELDS:
		if (!fill_in(a->fields, cJSON_GetObjectItemCaseSensitive(args, "fields")))
			return "there is no such field";
		((PurpleRequestFieldsCb)fn)(a->about, a->fields);
		break;
	case FILE_NAME:
		((PurpleRequestFileCb)fn)(a->about, arg_text(args, "text", NULL));
		break;
	case AUTHORIZE:
		((PurpleAccountRequestAuthorizationCb)fn)(a->about);
		break;
	case ACTIONS:
	default:
		break;
	}
	return NULL;
}

/* The callback may itself have closed the question. */
static void close_if_open(struct driver *d, struct asked *a, unsigned id)
{
	if (!g_list_find(d->asked, a) || a->id != id)
		return;
	if (a->kind == AUTHORIZE)
		asked_free(a);
	else
		purple_request_close(a->type, a);
}

static const char *answer_one(struct driver *d, struct asked *a, const cJSON *args)
{
	unsigned id = a->id;
	const char *why =
	        a->kind == ACTIONS ? answer_actions(a, chosen_action(a, args)) : answer_ok(a, args);
	if (!why)
		close_if_open(d, a, id);
	return why;
}

static struct asked *find_about(struct driver *d, const void *about, enum kind kind)
{
	for (const GList *l = d->asked; l; l = l->next) {
		struct asked *a = l->data;
		if (a->about == about && a->kind == kind)
			return a;
	}
	return NULL;
}

gboolean asked_accept(struct driver *d, const void *about, const char *path)
{
	struct asked *a = find_about(d, about, ACTIONS);
	if (a) {
		cJSON *args = cJSON_CreateObject();
		cJSON_AddNumberToObject(args, "action", 0);
		(void)answer_one(d, a, args);
		cJSON_Delete(args);
	}
	struct asked *file = find_about(d, about, FILE_NAME);
	if (!file)
		return a != NULL;
	cJSON *args = cJSON_CreateObject();
	event_text(args, "text", path);
	(void)answer_one(d, file, args);
	cJSON_Delete(args);
	return TRUE;
}

gboolean asked_refuse(struct driver *d, const void *about)
{
	struct asked *a = find_about(d, about, ACTIONS);
	if (!a)
		return FALSE;
	(void)answer_one(d, a, NULL);
	return TRUE;
}

/* {"id", and what the question wants}; without "id" the newest question. */
static const char *answer(struct driver *d, const cJSON *args, cJSON *reply)
{
	(void)reply;
	int id = arg_number(args, "id", 0);
	for (const GList *l = d->asked; l; l = l->next) {
		struct asked *a = l->data;
		if (id == 0 || (int)a->id == id)
			return answer_one(d, a, args);
	}
	return "there is no such question";
}

const struct command asked_commands[] = { { "answer", answer }, { 0 } };
