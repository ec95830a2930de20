#include "auth/mech_ntlm.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/ntlm.h"
#include "auth/sign_window.h"
#include "base/code.h"
#include "base/rand.h"
#include "wire/sip/sign.h"
#include "wire/sip/uri.h"

enum { OPAQUE_LEN = 8, RAND_LEN = 8, CHALLENGE_MAX = 4096 };
enum { BLOB_MAX = NTLM_CHALLENGE_LEN + NTLM_AUTH_MAX };
/* Without these there is nothing to verify a message by. */
#define FLAGS_NEEDED (NTLM_SIGN | NTLM_DATAGRAM | NTLM_EXTENDED_SECURITY)

struct mech_ntlm {
	struct accounts *accounts;
	char *realm, *target, *domain;
	char label[NTLM_LABEL_MAX + 1], computer[NTLM_LABEL_MAX + 1]; /* NetBIOS, capitals */
	struct buf challenge;                                         /* of the last result */
};

enum state {
	FRESH,
	CHALLENGED,
	ASKED, /* accounts decides */
	UP,
	SPENT, /* refused */
};

struct auth_assoc {
	struct mech_ntlm *mech;
	enum state state;
	struct addr peer;
	char opaque[OPAQUE_LEN];
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	unsigned legs;
	/* Of the AUTHENTICATE. */
	uint32_t version, flags;
	struct accounts_req *req;
	auth_done_fn *done;
	void *arg;
	struct buf text; /* version 4: what it signed, and how */
	uint8_t mic[NTLM_MIC_LEN];
	uint32_t num;
	/* Of UP. */
	struct ntlm_signer client, server;
	struct sign_window window;
	uint32_t sent;
};

/* --- texts --------------------------------------------------------------------------- */

static void put_upper_hex(struct buf *b, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	char *to = buf_room(b, 2 * n);
	for (size_t i = 0; to && i < n; i++) {
		to[2 * i] = digits[p[i] >> 4];
		to[2 * i + 1] = digits[p[i] & 15];
	}
	b->len += to ? 2 * n : 0;
}

static void put_param(struct buf *b, struct str name, struct str value)
{
	buf_str(b, name);
	buf_lit(b, "=\"");
	buf_str(b, value);
	buf_lit(b, "\", ");
}

static struct str id_of(const struct auth_assoc *a)
{
	return str_n(a->opaque, sizeof(a->opaque));
}

static void put_offer(struct buf *b, const struct mech_ntlm *m)
{
	buf_lit(b, "NTLM ");
	put_param(b, STR("realm"), str_of(m->realm));
	put_param(b, STR("targetname"), str_of(m->target));
	buf_lit(b, "version=4");
}

static void put_challenge(struct buf *b, const struct auth_assoc *a, usec_t now)
{
	const struct mech_ntlm *m = a->mech;
	struct ntlm_challenge c = { .label = str_of(m->label),
		                    .computer = str_of(m->computer),
		                    .domain = str_of(m->domain),
		                    .computer_fqdn = str_of(m->target),
		                    .now = now };
	auto_(buf_free) struct buf data = buf_of(CHALLENGE_MAX), text = buf_of(CHALLENGE_MAX);
	memcpy(c.server, a->challenge, sizeof(c.server));
	ntlm_put_challenge(&data, &c);
	base64_put(&text, data.p, data.len);
	buf_lit(b, "NTLM ");
	put_param(b, STR("opaque"), id_of(a));
	put_param(b, STR("gssapi-data"), buf_view(&text));
	put_param(b, STR("targetname"), str_of(m->target));
	put_param(b, STR("realm"), str_of(m->realm));
	buf_lit(b, "version=");
	buf_dec(b, a->version);
}

/* --- results ------------------------------------------------------------------------- */

static void refuse(struct auth_assoc *a, const char *why, auth_done_fn *done, void *arg)
{
	struct buf *b = &a->mech->challenge;
	b->len = 0;
	put_offer(b, a->mech);
	done(arg,
	     &(struct auth_result){ .kind = AUTH_REFUSE, .challenge = buf_view(b), .why = why });
}

static void give_challenge(struct auth_assoc *a, usec_t now, auth_done_fn *done, void *arg)
{
	struct buf *b = &a->mech->challenge;
	b->len = 0;
	put_challenge(b, a, now);
	a->state = CHALLENGED;
	done(arg, &(struct auth_result){ .kind = AUTH_CHALLENGE,
	                                 .challenge = buf_view(b),
	                                 .why = "NTLM challenge" });
}

/* The association may be gone when this returns. */
static void end(struct auth_assoc *a, const struct auth_result *r)
{
	a->state = r->kind == AUTH_ACCEPT ? UP : SPENT;
	buf_free(&a->text);
	a->done(a->arg, r);
}

static void end_refused(struct auth_assoc *a, const char *why)
{
	a->state = SPENT;
	buf_free(&a->text);
	refuse(a, why, a->done, a->arg);
}

/* --- the verdict --------------------------------------------------------------------- */

static bool is_mic(const struct ntlm_signer *s, struct str text, const uint8_t mic[NTLM_MIC_LEN])
{
	uint8_t want[NTLM_MIC_LEN];
	ntlm_mic(s, want, text);
	return same_secret(want, mic, NTLM_MIC_LEN);
}

static void accepted(struct auth_assoc *a, const struct accounts_auth *v)
{
	if (v->key.len != NTLM_KEY_LEN) {
		end(a, &(struct auth_result){ .kind = AUTH_FAILED, .why = "no session key" });
		return;
	}
	ntlm_signer_init(&a->client, v->key.p, a->flags, NTLM_CLIENT);
	ntlm_signer_init(&a->server, v->key.p, a->flags, NTLM_SERVER);
	if (a->version >= SIP_SIGN_VERSION) {
		if (!is_mic(&a->client, buf_view(&a->text), a->mic)) {
			end_refused(a, "wrong signature");
			return;
		}
		sign_window_use(&a->window, a->num);
	}
	end(a, &(struct auth_result){ .kind = AUTH_ACCEPT,
	                              .account = v->account,
	                              .credential = v->credential,
	                              .uri = v->uri,
	                              .why = "password" });
}

static void on_verdict(void *arg, const struct accounts_auth *v)
{
	struct auth_assoc *a = arg;
	a->req = NULL;
	switch (v->verdict) {
	case ACCOUNTS_ACCEPT:
		accepted(a, v);
		break;
	case ACCOUNTS_REFUSE:
		end_refused(a, "wrong user name or password");
		break;
	case ACCOUNTS_SLOW:
		end(a, &(struct auth_result){ .kind = AUTH_SLOW,
		                              .retry_s = v->retry_s,
		                              .why = "too many wrong passwords" });
		break;
	case ACCOUNTS_CONTINUE: /* there is no further leg */
	case ACCOUNTS_FAILED:
		end(a, &(struct auth_result){ .kind = AUTH_FAILED,
		                              .why = "accounts cannot be asked" });
		break;
	}
}

/* --- the leg with the AUTHENTICATE --------------------------------------------------- */

static struct str from_domain(const struct sip_msg *req)
{
	const struct sip_uri *from = sip_from_uri(req);
	return from ? from->host : STR("");
}

/* The name for accounts: "alice@example.test", as the user wrote it or with the domain of From;
 * "OTHER\\alice" if it is another that is meant. */
static int put_name(struct buf *b, const struct ntlm_auth *auth, const struct sip_msg *req)
{
	char user_space[ACCT_TEXT_MAX + 1], domain_space[ACCT_TEXT_MAX + 1];
	struct buf user = BUF_ON(user_space), domain = BUF_ON(domain_space);
	struct str from = from_domain(req);
	if (ntlm_put_utf8(&user, auth->user) < 0 || ntlm_put_utf8(&domain, auth->domain) < 0 ||
	    user.full || domain.full)
		return -EBADMSG;
	bool full = str_chr(buf_view(&user), '@') >= 0;
	if (!full && domain.len > 0 && !ntlm_means_domain(buf_view(&domain), from)) {
		buf_str(b, buf_view(&domain));
		buf_char(b, '\\');
		buf_str(b, buf_view(&user));
	} else {
		buf_str(b, buf_view(&user));
		if (!full && from.len > 0) {
			buf_char(b, '@');
			buf_str(b, from);
		}
	}
	return b->full ? -EBADMSG : 0;
}

/* What a message says about its own signature; -EACCES: nothing, or nothing that can be checked. */
static int read_mic(const struct sip_sign *s, uint8_t ret_mic[NTLM_MIC_LEN], uint32_t *ret_num)
{
	if (!s->rand.p || str_to_u32(s->num, UINT32_MAX, ret_num) < 0 ||
	    hex_get(s->mic, ret_mic, NTLM_MIC_LEN) < 0)
		return -EACCES;
	return 0;
}

/* The text of a message; the scheme's word has one spelling in it. */
static int put_text(struct buf *b, const struct sip_msg *m, struct sip_sign s)
{
	s.scheme = STR("NTLM");
	sip_put_sign_text(b, m, &s);
	return b->full ? -EACCES : 0;
}

/* The request is gone when accounts has answered, so its text is kept. */
static int keep_signature(struct auth_assoc *a, const struct sip_msg *req, const struct sip_sign *s)
{
	if (a->version < SIP_SIGN_VERSION)
		return 0;
	a->text = buf_of(SIP_SIGN_TEXT_MAX);
	if (read_mic(s, a->mic, &a->num) < 0)
		return -EACCES;
	return put_text(&a->text, req, *s);
}

/* Static text that says why the leg is refused, or NULL; appends blob and name for accounts. */
static const char *read_leg(struct auth_assoc *a, const struct sip_msg *req,
                            const struct sip_sign *s, struct buf *blob, struct buf *name)
{
	struct ntlm_auth auth;
	if (a->state != CHALLENGED || !str_eq(s->opaque, id_of(a)))
		return "not this association's answer";
	buf_put(blob, a->challenge, sizeof(a->challenge));
	if (base64_get(s->gssapi_data, blob) < 0 || blob->full)
		return "broken gssapi-data";
	struct str msg = str_sub(buf_view(blob), sizeof(a->challenge), blob->len);
	if (ntlm_get_auth(&auth, bytes_of(msg)) < 0 || put_name(name, &auth, req) < 0)
		return "broken AUTHENTICATE";
	if ((auth.flags & FLAGS_NEEDED) != FLAGS_NEEDED)
		return "messages cannot be signed";
	a->flags = auth.flags;
	return keep_signature(a, req, s) < 0 ? "not signed" : NULL;
}

static int authenticate(struct auth_assoc *a, const struct sip_msg *req, const struct sip_sign *s,
                        auth_done_fn *done, void *arg)
{
	auto_(buf_free) struct buf blob = buf_of(BLOB_MAX), name = buf_of(ACCT_TEXT_MAX);
	const char *why = read_leg(a, req, s, &blob, &name);
	if (why) {
		buf_free(&a->text);
		refuse(a, why, done, arg);
		return 0;
	}
	struct accounts_leg leg = { .mech = ACCOUNTS_NTLM,
		                    .user = buf_view(&name),
		                    .blob = bytes_of(buf_view(&blob)),
		                    .peer = &a->peer };
	a->state = ASKED;
	a->done = done;
	a->arg = arg;
	a->req = accounts_auth(a->mech->accounts, &leg, on_verdict, a);
	return -EINPROGRESS;
}

/* --- legs ---------------------------------------------------------------------------- */

static bool is_ours(const struct auth_assoc *a, const struct sip_sign *s)
{
	return str_ieq(s->scheme, STR("NTLM")) && str_eq(s->realm, str_of(a->mech->realm)) &&
	       str_eq(s->target, str_of(a->mech->target));
}

/* A request that carries no part of the handshake (signed in an older association) names no
 * version; it is asked to begin with ours. */
static const char *check_leg(struct auth_assoc *a, struct sip_sign *s)
{
	if (!is_ours(a, s))
		return "another realm or target";
	if (!s->gssapi_data.p && s->version == 0)
		s->version = SIP_SIGN_VERSION;
	if (s->version < SIP_SIGN_VERSION_MIN)
		return "a version older than 3";
	if (a->state > CHALLENGED || a->legs >= MECH_NTLM_LEGS_MAX)
		return "too many legs";
	return NULL;
}

static int mech_step(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *req,
                     struct str creds, usec_t now, auth_done_fn *done, void *arg)
{
	struct sip_sign s;
	const char *why = sip_sign_parse(&s, creds) < 0 ? "broken credentials" : check_leg(a, &s);
	if (why) {
		refuse(a, why, done, arg);
		return 0;
	}
	a->legs++;
	a->version = MIN(s.version, (uint32_t)SIP_SIGN_VERSION);
	if (s.gssapi_data.len > 0)
		return authenticate(a, req, &s, done, arg);
	give_challenge(a, now, done, arg);
	return 0;
}

static void mech_offer(void *mech, struct auth_assoc *a UNUSED, struct buf *b, bool stale UNUSED,
                       usec_t now UNUSED)
{
	put_offer(b, mech);
}

/* --- messages ------------------------------------------------------------------------ */

/* The Authorization field that belongs to this association; there may be others beside it. */
static int find_field(const struct auth_assoc *a, const struct sip_msg *m, struct sip_sign *ret)
{
	const struct sip_hdr *h = sip_first(m, SIP_H_AUTHORIZATION);
	for (; h; h = sip_next(m, h))
		if (sip_sign_parse(ret, sip_hdr_value(m, h)) == 0 && is_ours(a, ret) &&
		    str_eq(ret->opaque, id_of(a)))
			return 0;
	return -EACCES;
}

static int mech_verify(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *m)
{
	RAW_MEMORY char space[SIP_SIGN_TEXT_MAX + 1];
	struct buf text = BUF_ON(space);
	struct sip_sign s;
	uint8_t mic[NTLM_MIC_LEN];
	uint32_t num;
	if (a->state != UP || find_field(a, m, &s) < 0 || read_mic(&s, mic, &num) < 0 ||
	    !sign_window_fresh(&a->window, num) || put_text(&text, m, s) < 0 ||
	    !is_mic(&a->client, buf_view(&text), mic))
		return -EACCES;
	sign_window_use(&a->window, num);
	return 0;
}

static void put_signature(struct buf *b, const struct auth_assoc *a, const struct sip_sign *s)
{
	buf_lit(b, "Authentication-Info: NTLM qop=\"auth\", ");
	put_param(b, STR("opaque"), id_of(a));
	put_param(b, STR("srand"), s->rand);
	put_param(b, STR("snum"), s->num);
	put_param(b, STR("rspauth"), s->mic);
	put_param(b, STR("targetname"), s->target);
	put_param(b, STR("realm"), s->realm);
	buf_lit(b, "version=");
	buf_dec(b, a->version);
	buf_lit(b, "\r\n");
}

static int mech_sign(void *mech UNUSED, struct auth_assoc *a, const struct sip_msg *m,
                     struct buf *line)
{
	RAW_MEMORY char space[SIP_SIGN_TEXT_MAX + 1];
	char rand_space[RAND_LEN + 1], num_space[16], mic_space[2 * NTLM_MIC_LEN + 1];
	struct buf text = BUF_ON(space), rand = BUF_ON(rand_space), num = BUF_ON(num_space);
	struct buf hex = BUF_ON(mic_space);
	uint8_t random[RAND_LEN / 2], mic[NTLM_MIC_LEN];
	if (a->state != UP)
		return -EACCES;
	rand_bytes(random, sizeof(random));
	put_upper_hex(&rand, random, sizeof(random));
	buf_dec(&num, ++a->sent);
	struct sip_sign s = { .rand = buf_view(&rand),
		              .num = buf_view(&num),
		              .realm = str_of(a->mech->realm),
		              .target = str_of(a->mech->target) };
	if (put_text(&text, m, s) < 0)
		return -E2BIG;
	ntlm_mic(&a->server, mic, buf_view(&text));
	put_upper_hex(&hex, mic, sizeof(mic));
	s.mic = buf_view(&hex);
	put_signature(line, a, &s);
	return line->full ? -E2BIG : 0;
}

static struct str mech_id(void *mech UNUSED, const struct auth_assoc *a)
{
	return id_of(a);
}

/* Signatures are made and checked where the connection is. */
static int mech_export(void *mech UNUSED, struct auth_assoc *a UNUSED, struct buf *b UNUSED)
{
	return -ENOTSUP;
}

/* --- life ---------------------------------------------------------------------------- */

static struct auth_assoc *mech_begin(void *mech, const struct addr *peer)
{
	struct auth_assoc *a = xnew(struct auth_assoc);
	struct buf opaque = { .p = a->opaque, .cap = OPAQUE_LEN, .max = OPAQUE_LEN };
	uint8_t random[OPAQUE_LEN / 2];
	a->mech = mech;
	a->peer = *peer;
	a->version = SIP_SIGN_VERSION;
	rand_bytes(random, sizeof(random));
	put_upper_hex(&opaque, random, sizeof(random));
	rand_bytes(a->challenge, sizeof(a->challenge));
	return a;
}

static void mech_end(void *mech UNUSED, struct auth_assoc **ap)
{
	struct auth_assoc *a = take(ap);
	if (!a)
		return;
	accounts_req_free(&a->req);
	buf_free(&a->text);
	wipe(a, sizeof(*a));
	free(a);
}

const struct auth_mech mech_ntlm = {
	.scheme = "NTLM",
	.signs = true,
	.begin = mech_begin,
	.id = mech_id,
	.offer = mech_offer,
	.step = mech_step,
	.verify = mech_verify,
	.sign = mech_sign,
	.export = mech_export,
	.free = mech_end,
};

static void set_label(char ret[NTLM_LABEL_MAX + 1], struct str name)
{
	struct str label = ntlm_label(name);
	for (size_t i = 0; i < label.len; i++)
		ret[i] = (char)(label.p[i] >= 'a' && label.p[i] <= 'z' ? label.p[i] - 'a' + 'A'
		                                                       : label.p[i]);
	ret[label.len] = 0;
}

struct mech_ntlm *mech_ntlm_new(const struct mech_ntlm_config *c)
{
	struct mech_ntlm *m = xnew(struct mech_ntlm);
	m->accounts = c->accounts;
	m->realm = str_dup(c->realm);
	m->target = str_dup(c->target);
	m->domain = str_dup(c->domain);
	set_label(m->label, c->domain);
	set_label(m->computer, c->target);
	m->challenge = buf_of(2 * CHALLENGE_MAX);
	return m;
}

void mech_ntlm_free(struct mech_ntlm **mp)
{
	struct mech_ntlm *m = take(mp);
	if (!m)
		return;
	buf_free(&m->challenge);
	free(m->realm);
	free(m->target);
	free(m->domain);
	free(m);
}
