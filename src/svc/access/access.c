#include "svc/access/access.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/digest.h"
#include "auth/mech_digest.h"
#include "auth/mech_ntlm.h"
#include "svc/access/dialect.h"
#include "svc/access/inside.h"

/* clang-format off */
const struct setting access_settings[] = {
	SETTING_U32("unknown-connection-max", SET_SECONDS, struct access_config, unknown_max_s,
		    .min = 5, .max = 3600, .def = "60 s",
		    .help = "a connection on which nobody has signed in is closed after"),
	SETTING_U32("nat-keepalive", SET_SECONDS, struct access_config, keepalive_s,
		    .min = 10, .max = 300, .def = "25 s",
		    .help = "how often UDP phones behind NAT are pinged"),
	SETTING_ENUM("digest", struct access_config, digest, .choices = "md5 sha-256", .def = "md5",
		     .help = "the one Digest algorithm offered to phones (never both: phones break)", .restart = true),
	SETTING_STR("sha256-listeners", struct access_config, sha256_list,
		    .min = 0, .max = 2000, .def = "",
		    .help = "addresses with port, of those this role listens on, where Digest is by SHA-256 whatever \"digest\" says; separated by commas"),
	SETTING_ENUM("ntlm", struct access_config, ntlm, .choices = "off tls any", .def = "tls",
		     .help = "where Lync clients may sign in with NTLM: nowhere, over TLS (and from this very machine), everywhere"),
	SETTING_END
};
/* clang-format on */

int access_config_read(struct access_config *ret, const struct topo *t, const struct topo_role *r,
                       struct buf *errors)
{
	struct access_config c;
	if (topo_settings(t, r, access_settings, &c, errors) < 0 ||
	    access_listeners_read(&c.sha256, t, r, c.sha256_list, errors) < 0)
		return -EINVAL;
	*ret = c;
	return 0;
}

struct access *access_new(struct loop *l, const struct access_config *cfg,
                          const struct access_setup *setup)
{
	struct access *a = xnew(struct access);
	a->loop = l;
	a->cfg = *cfg;
	a->tp = setup->tp;
	a->realm = str_dup(setup->realm);
	a->fqdn = str_dup(setup->fqdn);
	a->wrong = setup->wrong;
	a->wrong_arg = setup->arg;
	a->digest = digest_new(setup->realm, setup->pool_key);
	a->mech_state = mech_digest_new(a->digest, setup->accounts, (enum digest_alg)cfg->digest);
	a->sha256_state = mech_digest_share(a->mech_state, DIGEST_SHA256);
	a->mech = &mech_digest;
	a->ntlm_state = mech_ntlm_new(
	        &(struct mech_ntlm_config){ .accounts = setup->accounts,
	                                    .realm = STR("SIP Communications Service"),
	                                    .target = setup->fqdn,
	                                    .domain = setup->domain });
	a->ntlm = &mech_ntlm;
	map_init(&a->vouches);
	map_init(&a->nat);
	access_sweep_init(a);
	return a;
}

void access_free(struct access **ap)
{
	struct access *a = take(ap);
	if (!a)
		return;
	access_wait_free(&a->last);
	access_sweep_done(a);
	struct mech_digest *m = a->mech_state, *sha256 = a->sha256_state;
	struct mech_ntlm *n = a->ntlm_state;
	mech_digest_free(&sha256);
	mech_digest_free(&m);
	mech_ntlm_free(&n);
	digest_free(&a->digest);
	map_done(&a->vouches);
	map_done(&a->nat);
	free(a->realm);
	free(a->fqdn);
	free(a);
}

void access_configure(struct access *a, const struct access_config *cfg)
{
	a->cfg = *cfg;
}

const struct access_stats *access_stats(const struct access *a)
{
	return &a->stats;
}

/* Authentication. */

static void put_challenge(struct access_wait *w, struct str value, bool stale)
{
	struct access *a = w->a;
	a->stats.challenges++;
	buf_str(&w->lines, w->proxy ? STR("Proxy-Authenticate: ") : STR("WWW-Authenticate: "));
	if (value.len)
		buf_str(&w->lines, value);
	else
		a->mech->offer(a->mech_state, w->assoc, &w->lines, stale, loop_wall(a->loop));
	buf_lit(&w->lines, "\r\n");
	w->result.code = w->proxy ? 407 : 401;
	w->result.reason = STR("");
}

void access_refuse(struct access_wait *w, enum refusal why, int code)
{
	const struct refusal_row *row = refusal_row(why);
	w->result.verdict = ACCESS_REFUSED;
	w->result.why = why;
	w->result.code = code ? code : row->code;
	w->result.reason = str_of(code && code != row->code ? "" : row->phrase);
	refusal_put(&w->lines, why, str_of(w->a->fqdn));
}

static void set_id(struct access_wait *w, const struct access_identity *id)
{
	size_t n = MIN(id->uri.len, sizeof(w->uri));
	memcpy(w->uri, id->uri.p, n);
	w->result.id = *id;
	w->result.id.uri = str_n(w->uri, n);
}

void access_accept(struct access_wait *w, const struct access_identity *id)
{
	w->a->stats.accepted++;
	w->result.verdict = ACCESS_OK;
	set_id(w, id);
}

static void translate(struct access_wait *w, const struct auth_result *r)
{
	struct access_identity id = { .account = r->account,
		                      .credential = r->credential,
		                      .uri = r->uri };
	w->result.verdict = ACCESS_REFUSED;
	switch (r->kind) {
	case AUTH_ACCEPT:
		access_accept(w, &id);
		break;
	case AUTH_CHALLENGE:
		put_challenge(w, r->challenge, false);
		w->result.repeated = r->repeated;
		if (r->repeated)
			set_id(w, &id);
		break;
	case AUTH_REFUSE:
		w->a->stats.refused++;
		w->result.detail = r->why;
		access_refuse(w, REFUSE_PASSWORD, 0);
		break;
	case AUTH_SLOW:
		w->a->stats.slowed++;
		buf_printf(&w->lines, "Retry-After: %u\r\n", r->retry_s);
		access_refuse(w, REFUSE_GUESSING, 0);
		break;
	case AUTH_FAILED:
		w->a->stats.failed++;
		buf_lit(&w->lines, "Retry-After: 5\r\n");
		access_refuse(w, REFUSE_SIGN_IN_DOWN, 0);
		break;
	}
}

void access_decided(struct access_wait *w)
{
	w->result.lines = buf_view(&w->lines);
	if (w->now)
		return;
	w->a->stats.pending--;
	access_done_fn *done = w->done;
	w->done = NULL;
	done(w->arg, &w->result);
}

static void on_step(void *arg, const struct auth_result *r)
{
	struct access_wait *w = arg;
	translate(w, r);
	access_decided(w);
}

/* The credentials for our realm among the fields with the id; empty if there are none. */
static struct str our_credentials(const struct access *a, const struct sip_msg *m,
                                  enum sip_hdr_id id)
{
	for (const struct sip_hdr *h = sip_first(m, id); h; h = sip_next(m, h)) {
		struct sip_auth au;
		struct str realm, value = sip_hdr_value(m, h);
		if (sip_auth_parse(&au, value) == 0 &&
		    str_ieq(au.scheme, str_of(a->mech->scheme)) &&
		    sip_auth_param(&au, STR("realm"), &realm) && str_eq(realm, str_of(a->realm)))
			return value;
	}
	return STR("");
}

static void wait_done(struct access_wait *w)
{
	if (w->assoc)
		w->a->mech->free(w->a->mech_state, &w->assoc);
	if (w->sa && w->done) { /* cancels the leg */
		struct access_conn *c = w->flow->user;
		sa_free(&c->sas, &w->sa);
	} else if (w->sa) {
		w->sa->holder = NULL;
	}
}

void access_wait_free(struct access_wait **wp)
{
	struct access_wait *w = take(wp);
	if (!w)
		return;
	if (w->done)
		w->a->stats.pending--;
	wait_done(w);
	buf_free(&w->lines);
	free(w);
}

/* One step of a phone; true if it is decided. */
static bool step_digest(struct access_wait *w, const struct sip_msg *m)
{
	struct access *a = w->a;
	struct str creds =
	        our_credentials(a, m, w->proxy ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION);
	bool sha256 = access_listeners_have(&a->cfg.sha256, &w->flow->local);
	w->assoc = a->mech->begin(sha256 ? a->sha256_state : a->mech_state, &w->flow->peer);
	if (creds.len == 0) {
		w->result.verdict = ACCESS_REFUSED;
		put_challenge(w, STR(""), false);
		access_decided(w);
		return true;
	}
	return a->mech->step(a->mech_state, w->assoc, m, creds, loop_wall(a->loop), on_step, w) !=
	       -EINPROGRESS;
}

static bool too_busy(const struct access *a, struct access_result *ret)
{
	if (a->stats.pending < ACCESS_PENDING_MAX)
		return false;
	*ret = (struct access_result){ .verdict = ACCESS_REFUSED,
		                       .code = 503,
		                       .reason = STR("Too Busy"),
		                       .lines = STR("Retry-After: 10\r\n") };
	return true;
}

void access_wait_for(struct access_wait *w, void *arg)
{
	w->arg = arg;
}

/* The last answer lives until here; its memory serves again. */
static struct access_wait *wait_new(struct access *a, struct sip_flow *f, const struct sip_msg *m)
{
	struct access_wait *w = take(&a->last);
	struct buf lines = buf_of(4096);
	if (w) {
		wait_done(w);
		lines = w->lines;
		lines.len = 0;
		lines.full = false;
	} else {
		w = xnew(struct access_wait);
	}
	*w = (struct access_wait){
		.a = a, .flow = f, .now = true, .proxy = m->method != SIP_REGISTER, .lines = lines
	};
	return w;
}

enum access_verdict access_identify(struct access *a, struct sip_flow *f, const struct sip_msg *m,
                                    struct access_result *ret, access_done_fn *done,
                                    struct access_wait **ret_wait)
{
	if (too_busy(a, ret))
		return ACCESS_REFUSED;
	struct access_wait *w = wait_new(a, f, m);
	bool decided = dialect_of(m) == DIALECT_LYNC ? access_step_lync(w, m) : step_digest(w, m);
	w->now = false;
	if (decided) {
		*ret = w->result;
		a->last = w;
		return ret->verdict;
	}
	w->done = done;
	a->stats.pending++;
	*ret_wait = w;
	return ACCESS_WAIT;
}
