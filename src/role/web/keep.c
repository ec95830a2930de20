#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/rd.h"
#include "role/web/call.h"

/* Calls that outlive the process.  The browser holds each dialog sealed, under a key that the
 * supervisor keeps, for the log-in that it was made with; the process that comes next opens it when
 * the browser is back, under the same session and endpoint.  Its own requests then go on with a
 * higher CSeq: what was sealed may not be the latest.
 *
 * Of a call that goes out and is not answered yet it holds the INVITE's names alone.  The browser
 * sends its offer again, and the front end, which has waited for it, takes that for a repetition of
 * the INVITE that it has (stack/sip/stx.c).  What rings in here comes again by itself. */

enum {
	KEPT_VERSION = 2,
	KEPT_MAX = 24 * 1024, /* bytes of one, sealed, as the browser has it */
	CSEQ_JUMP = 1000,
};

struct kept {
	struct str session, id, peer, call_id, local_tag, remote, remote_tag, target, routes,
	        branch;
	uint32_t cseq, remote_cseq;
	bool out; /* not answered yet */
};

static struct bytes row_of(const struct web_login *who, struct buf *b)
{
	buf_lit(b, "web-call");
	buf_u64(b, who->account);
	buf_u64(b, who->number);
	return bytes_of(buf_view(b));
}

/* --- giving ---------------------------------------------------------------------------------- */

static void put_plain(struct buf *b, const struct call *c)
{
	const char *texts[] = { c->s->id,  c->id,         c->peer,   c->call_id, c->local_tag,
		                c->remote, c->remote_tag, c->target, c->routes,  c->branch };
	buf_u8(b, KEPT_VERSION);
	buf_u8(b, c->phase == CALL_OUT);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		buf_str16(b, str_of(texts[i] ? texts[i] : ""));
	buf_u32(b, c->cseq);
	buf_u32(b, c->remote_cseq);
}

void wb_call_keep(const struct call *c)
{
	char space[32];
	struct buf row = BUF_ON(space);
	auto_(buf_free) struct buf plain = buf_of(KEPT_MAX / 2), sealed = buf_of(KEPT_MAX),
	                           b = buf_of(2 * KEPT_MAX);
	put_plain(&plain, c);
	if (plain.full || c->s->ending)
		return; /* it ends with this process */
	seal_put(c->s->web->seal, &sealed, row_of(&c->s->who, &row), bytes_of(buf_view(&plain)));
	buf_printf(&b, "\"call\":\"%s\",\"kept\":\"", c->id);
	base64url_put(&b, sealed.p, sealed.len);
	buf_char(&b, '"');
	session_event(c->s, "kept", buf_view(&b));
}

/* --- taking back ----------------------------------------------------------------------------- */

static int read_plain(struct kept *k, struct bytes plain)
{
	struct str *texts[] = { &k->session, &k->id,         &k->peer,   &k->call_id, &k->local_tag,
		                &k->remote,  &k->remote_tag, &k->target, &k->routes,  &k->branch };
	struct rd r = rd_of(plain);
	if (rd_u8(&r) != KEPT_VERSION)
		return -EBADMSG;
	k->out = rd_u8(&r) != 0;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		*texts[i] = rd_str16(&r);
	k->cseq = rd_u32(&r);
	k->remote_cseq = rd_u32(&r);
	return r.bad || rd_left(&r) > 0 || k->id.len != WEB_CALL_ID_LEN ||
	                       (k->out && k->branch.len != SIP_BRANCH_LEN)
	               ? -EBADMSG
	               : 0;
}

/* The texts lie in plain. */
static int open_kept(struct kept *k, const struct web *w, const struct web_login *who,
                     struct str text, struct buf *plain)
{
	char space[32];
	struct buf row = BUF_ON(space);
	auto_(buf_free) struct buf sealed = buf_of(KEPT_MAX);
	if (text.len == 0 || text.len > KEPT_MAX || base64url_get(text, &sealed) < 0 ||
	    sealed.len <= SEAL_OVERHEAD)
		return -EBADMSG;
	size_t n = sealed.len - SEAL_OVERHEAD;
	char *to = buf_room(plain, n);
	if (!to ||
	    seal_get(w->seal, (uint8_t *)to, row_of(who, &row), bytes_of(buf_view(&sealed))) < 0)
		return -EBADMSG;
	plain->len = n;
	return read_plain(k, bytes_of(buf_view(plain)));
}

static const cJSON *calls_of(const cJSON *hello)
{
	const cJSON *calls = cJSON_GetObjectItemCaseSensitive(hello, "calls");
	return cJSON_IsArray(calls) && cJSON_GetArraySize(calls) <= WEB_DIALOGS_MAX ? calls : NULL;
}

bool wb_kept_session(const struct web *w, const struct web_login *who, const cJSON *hello,
                     char ret[WEB_SESSION_ID_MAX + 1])
{
	auto_(buf_free) struct buf plain = buf_of(KEPT_MAX);
	const cJSON *first = cJSON_GetArrayItem(calls_of(hello), 0);
	struct kept k;
	if (!cJSON_IsString(first) ||
	    open_kept(&k, w, who, str_of(first->valuestring), &plain) < 0 ||
	    k.session.len > WEB_SESSION_ID_MAX)
		return false;
	memcpy(ret, k.session.p, k.session.len);
	ret[k.session.len] = '\0';
	return true;
}

/* The very INVITE is to go out again. */
static void take_back_out(struct call *c, const struct kept *k)
{
	c->cseq = k->cseq - 1;
	memcpy(c->branch, k->branch.p, SIP_BRANCH_LEN);
}

static void take_back_up(struct call *c, const struct kept *k)
{
	timer_stop(&c->life);
	c->phase = CALL_UP;
	c->remote = str_dup(k->remote);
	c->remote_tag = str_dup(k->remote_tag);
	c->target = str_dup(k->target);
	c->routes = str_dup(k->routes);
	c->cseq = k->cseq + CSEQ_JUMP;
	c->remote_cseq = k->remote_cseq;
}

static struct call *take_back(struct session *s, const struct kept *k)
{
	struct call *c = wb_call_new(s, k->peer);
	memcpy(c->id, k->id.p, k->id.len);
	c->id[k->id.len] = '\0';
	c->call_id = str_dup(k->call_id);
	c->local_tag = str_dup(k->local_tag);
	if (k->out)
		take_back_out(c, k);
	else
		take_back_up(c, k);
	return c;
}

void wb_calls_take_back(struct session *s, const cJSON *hello, struct buf *b)
{
	const cJSON *one;
	buf_lit(b, ",\"calls\":[");
	cJSON_ArrayForEach(one, calls_of(hello))
	{
		auto_(buf_free) struct buf plain = buf_of(KEPT_MAX);
		struct kept k;
		if (!cJSON_IsString(one) ||
		    open_kept(&k, s->web, &s->who, str_of(one->valuestring), &plain) < 0 ||
		    !str_eq(k.session, str_of(s->id)) || wb_call_find(s, k.id))
			continue;
		struct call *c = take_back(s, &k);
		buf_printf(b, "%s\"%s\"", s->n_calls > 1 ? "," : "", c->id);
	}
	buf_char(b, ']');
}

void wb_calls_keep(const struct session *s)
{
	list_for(it, &s->calls)
	{
		const struct call *c = list_entry(it, struct call, node);
		if (c->phase == CALL_UP)
			wb_call_keep(c);
	}
}
