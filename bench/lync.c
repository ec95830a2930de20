#include "lync.h"

#include <errno.h>
#include <stdlib.h>

/* One Authorization or Authentication-Info field as far as the signed text has it. */
struct mark {
	struct str rand, num, realm, target;
};

/* --- the signed text ------------------------------------------------------------------- */

static void put(struct out *o, struct str s)
{
	out_lit(o, "<");
	out_str(o, s);
	out_lit(o, ">");
}

static struct str first_identity(struct str line, struct str scheme)
{
	struct str one;
	while (sip_element(&line, &one)) {
		struct str uri = sip_uri(one);
		if (str_starts(uri, scheme))
			return uri;
	}
	return STR("");
}

/* [MS-SIPAE] section 3.2.5.2, version 3 and later. */
static void put_text(struct out *o, const struct sip_msg *m, const struct mark *k)
{
	put(o, STR("NTLM"));
	put(o, k->rand);
	put(o, k->num);
	put(o, k->realm);
	put(o, k->target);
	put(o, m->call_id);
	out_lit(o, "<");
	out_u32(o, m->cseq);
	out_lit(o, ">");
	put(o, m->cseq_method);
	put(o, sip_uri(m->from));
	put(o, sip_param(m->from, STR("tag")));
	put(o, sip_uri(m->to));
	put(o, sip_param(m->to, STR("tag")));
	put(o, first_identity(m->asserted, STR("sip:")));
	put(o, first_identity(m->asserted, STR("tel:")));
	put(o, m->expires);
	if (m->is_request)
		return;
	out_lit(o, "<");
	out_u32(o, m->status);
	out_lit(o, ">");
}

static bool make_mic(struct ntlm *n, const struct ntlm_key *key, const struct sip_msg *m,
                     const struct mark *k, char ret[NTLM_MIC_HEX])
{
	char space[LYNC_SIGN_TEXT_MAX];
	struct out text = { space, 0, sizeof(space), false };
	put_text(&text, m, k);
	ntlm_mic(n, key, out_view(&text), ret);
	return !text.full;
}

/* --- the handshake --------------------------------------------------------------------- */

static bool copy(char *ret, size_t cap, struct str s)
{
	if (s.n == 0 || s.n >= cap)
		return false;
	memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	return true;
}

int lync_challenge(struct lync_user *u, const struct sip_msg *m)
{
	struct str value = { "", 0 }, word = { "", 0 };
	for (size_t i = 0; i < m->challenge.n && !str_ieq(word, STR("NTLM")); i++) {
		struct str rest = value = m->challenge.line[i];
		word = str_cut(&rest, ' ');
	}
	struct str data = sip_auth_param(value, STR("gssapi-data"));
	if (!str_ieq(word, STR("NTLM")) || m->is_proxy_challenge ||
	    !copy(u->realm, sizeof(u->realm), sip_auth_param(value, STR("realm"))) ||
	    !copy(u->target, sizeof(u->target), sip_auth_param(value, STR("targetname"))))
		return -EBADMSG;
	free(u->challenge);
	u->challenge = NULL;
	u->leg = LYNC_OFFERED;
	if (data.n == 0)
		return 0;
	u->next = (struct lync_sa){ .num = 0 };
	if (!copy(u->next.opaque, LYNC_OPAQUE_MAX, sip_auth_param(value, STR("opaque"))))
		return -EBADMSG;
	u->challenge = str_dup(data);
	u->leg = LYNC_CHALLENGED;
	return 0;
}

void lync_signed_in(struct lync_user *u, const struct sip_msg *m)
{
	static const struct str lead = { ";gruu=\"", 7 };
	const char *at =
	        m->contact.n == 0 ? NULL : memmem(m->contact.p, m->contact.n, lead.p, lead.n);
	if (at) {
		at += lead.n;
		struct str rest = { at, m->contact.n - (size_t)(at - m->contact.p) };
		(void)copy(u->gruu, sizeof(u->gruu), str_cut(&rest, '"'));
	}
	if (u->leg == LYNC_CHALLENGED)
		u->now = u->next;
	u->leg = LYNC_SIGNED;
}

/* --- what we send ---------------------------------------------------------------------- */

static void put_param(struct out *o, struct str lead, struct str value)
{
	out_str(o, lead);
	out_lit(o, "=\"");
	out_str(o, value);
	out_lit(o, "\"");
}

static void put_handshake(struct ntlm *n, struct lync_user *u, struct str name, struct out *o)
{
	out_lit(o, ", gssapi-data=\"");
	if (u->leg == LYNC_CHALLENGED &&
	    ntlm_answer(n, &u->next.keys, str_of(u->challenge), name, o) < 0)
		o->full = true;
	out_lit(o, "\", version=4");
}

static void put_signature(struct ntlm *n, struct lync_user *u, struct lync_sa *sa, struct out *o,
                          const struct sip_msg *m)
{
	char num_space[16], rand_space[16], mic[NTLM_MIC_HEX];
	struct out num = { num_space, 0, sizeof(num_space), false };
	struct out rand = { rand_space, 0, sizeof(rand_space), false };
	out_hex(&rand, (uint32_t)random());
	out_u32(&num, ++sa->num);
	struct mark k = { .rand = out_view(&rand),
		          .num = out_view(&num),
		          .realm = str_of(u->realm),
		          .target = str_of(u->target) };
	if (!make_mic(n, &sa->keys.client, m, &k, mic))
		o->full = true;
	put_param(o, STR(", crand"), k.rand);
	put_param(o, STR(", cnum"), k.num);
	put_param(o, STR(", response"), str_of(mic));
}

/* Puts the line behind the last header field. */
static void insert(struct out *o, size_t at, struct str line)
{
	if (line.n > o->cap - o->n) {
		o->full = true;
		return;
	}
	memmove(o->p + at + line.n, o->p + at, o->n - at);
	memcpy(o->p + at, line.p, line.n);
	o->n += line.n;
}

void lync_sign(struct ntlm *n, struct lync_user *u, struct str name, struct out *o)
{
	char space[LYNC_LINE_MAX];
	struct out line = { space, 0, sizeof(space), false };
	struct lync_sa *sa = u->leg == LYNC_CHALLENGED ? &u->next : &u->now;
	struct sip_msg m;
	if (u->leg == LYNC_FIRST || o->full || sip_parse(&m, out_view(o)) < 0)
		return;
	out_lit(&line, "Authorization: NTLM qop=\"auth\"");
	if (u->leg != LYNC_OFFERED)
		put_param(&line, STR(", opaque"), str_of(sa->opaque));
	put_param(&line, STR(", realm"), str_of(u->realm));
	put_param(&line, STR(", targetname"), str_of(u->target));
	if (u->leg != LYNC_SIGNED)
		put_handshake(n, u, name, &line);
	if (u->leg != LYNC_OFFERED)
		put_signature(n, u, sa, &line, &m);
	out_lit(&line, "\r\n");
	o->full |= line.full;
	insert(o, (size_t)(m.body.p - o->p) - 2, out_view(&line));
}

/* --- what comes ------------------------------------------------------------------------ */

bool lync_verify(struct ntlm *n, const struct lync_user *u, const struct sip_msg *m)
{
	struct str v = m->auth_info, opaque = sip_auth_param(v, STR("opaque"));
	const struct lync_sa *sa = str_eq(opaque, str_of(u->next.opaque)) ? &u->next : &u->now;
	struct mark k = { .rand = sip_auth_param(v, STR("srand")),
		          .num = sip_auth_param(v, STR("snum")),
		          .realm = sip_auth_param(v, STR("realm")),
		          .target = sip_auth_param(v, STR("targetname")) };
	char mic[NTLM_MIC_HEX];
	if (m->status == 401)
		return true;
	if (v.n == 0)
		return !u->now.opaque[0] && m->status >= 300;
	return opaque.n > 0 && str_eq(opaque, str_of(sa->opaque)) &&
	       make_mic(n, &sa->keys.server, m, &k, mic) &&
	       str_ieq(sip_auth_param(v, STR("rspauth")), str_of(mic));
}
