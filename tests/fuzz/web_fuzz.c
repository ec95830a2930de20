#include <stdio.h>
#include <stdlib.h>

#include "role/web/people.h"
#include "wire/ctl/ctl.h"

/* What a session makes of documents of the front end (first byte 0: XML, 1: JSON) and of requests
 * of the browser (2), and what a conference tells (3).  Whatever comes, each event is a JSON
 * object. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* None is in it. */
static struct files *open_files(struct loop *l)
{
	char folder[] = "/tmp/dialtone-fuzz-XXXXXX", text[80];
	auto_(buf_free) struct buf why = buf_of(1024);
	struct files_config cfg = { .file_max = 1 };
	if (!mkdtemp(folder))
		abort();
	struct files *f = files_open(l, folder, &cfg, &why);
	(void)snprintf(text, sizeof(text), "rm -rf %s", folder); /* what is open stays */
	if (!f || system(text) != 0)
		abort();
	return f;
}

static struct web *world(void)
{
	static struct role_env env;
	static struct web w = { .set = { .sessions_max = 10 } };
	static const struct sip_stack_ops ops = { .request = web_sip_request };
	if (w.env)
		return &w;
	struct sip_transport_config cfg = { .client_max = SIP_CLIENT_MAX,
		                            .link_name = "web-1.dialtone.invalid" };
	log_set_level(LOG_ERROR);
	static struct str domains[] = { STR_INIT("example.test") };
	static struct topo topo = { .domains = domains, .n_domains = 1 };
	static const struct topo_role self = { .role = STR_INIT("web"),
		                               .fqdn = STR_INIT("h.example.test") };
	env.loop = loop_new();
	env.topo = &topo;
	env.self = &self;
	w.env = &env;
	map_init(&w.by_id);
	map_init(&w.by_call);
	map_init(&w.by_ref);
	list_init(&w.sessions);
	list_init(&w.browsers);
	w.stack = sip_stack_new(env.loop, &cfg, &ops, &w);
	w.accounts = accounts_new(env.loop, -1, NULL, NULL);
	w.kept = open_files(env.loop);
	w.seal = seal_new(env.pool_key);
	return &w;
}

/* Of a conference that the session watches. */
static struct web_sub *watched(struct session *s)
{
	const char *why;
	size_t slot = 0;
	struct map_node *n = NULL;
	cJSON *v = ctl_parse_json(STR("{\"chats\":[\"conf-0123456789abcdef.bob@example.test\"]}"),
	                          &why);
	s->registered = true; /* it asks */
	web_dispatch(s, 1, STR("conference.watch"), v);
	s->registered = false;
	cJSON_Delete(v);
	while ((n = map_walk(&s->web->by_call, &slot, &n)) != NULL) {
		struct web_sub *d = container_of(n, struct web_sub, by_call);
		if (d->kind == WEB_SUB_CONFERENCE)
			return d;
	}
	return NULL;
}

static void feed(struct session *s, uint8_t how, struct str in)
{
	struct sip_msg m = { .body = in };
	const char *why;
	struct str type, body;
	struct web_sub *d;
	cJSON *v;
	switch (how % 4) {
	case 0:
		(void)str_cut(in, '\n', &type, &body);
		wb_people_read(s, type, body);
		break;
	case 1:
		chat_notified(s, &m);
		break;
	case 2:
		v = ctl_parse_json(in, &why);
		if (v)
			web_dispatch(s, 1, web_text(v, "op"), v);
		cJSON_Delete(v);
		break;
	default:
		d = watched(s);
		if (d)
			wb_conference_notified(d, &m);
	}
}

static void check_replay(struct session *s)
{
	for (uint64_t i = 0; i < s->seq; i++) {
		const char *why = NULL;
		struct str text = session_text(s, i + 1);
		cJSON *v = text.len ? ctl_parse_json(text, &why) : NULL;
		if (text.len && !cJSON_IsObject(v))
			abort();
		cJSON_Delete(v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct web *w = world();
	struct web_login who = { .account = 1, .uri = "alice@example.test", .ticket = "t" };
	struct session *s = session_new(w, &who, STR("tab"), STR(""));
	if (!s)
		abort();
	for (size_t at = 0; at + 2 < size;) {
		size_t n = (size_t)data[at + 1] << 4 | 15;
		n = n < size - at - 2 ? n : size - at - 2;
		feed(s, data[at], str_n((const char *)data + at + 2, n));
		at += 2 + n;
	}
	check_replay(s);
	sessions_free(w);
	for (int i = 0; i < 3; i++)
		loop_turn(w->env->loop, 0);
	return 0;
}
