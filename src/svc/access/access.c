#include "svc/access/access.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/digest.h"
#include "auth/mech_digest.h"
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
	SETTING_END
};
/* clang-format on */

struct access *access_new(struct loop *l, const struct access_config *cfg, struct accounts *acc,
                          struct sip_transport *tp, struct str realm, const uint8_t pool_key[32])
{
	struct access *a = xnew(struct access);
	a->loop = l;
	a->cfg = *cfg;
	a->tp = tp;
	a->realm = str_dup(realm);
	a->digest = digest_new(realm, pool_key);
	a->mech_state = mech_digest_new(a->digest, acc, (enum digest_alg)cfg->digest);
	a->mech = &mech_digest;
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
	struct mech_digest *m = a->mech_state;
	mech_digest_free(&m);
	digest_free(&a->digest);
	map_done(&a->vouches);
	map_done(&a->nat);
	free(a->realm);
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

struct access_wait {
	struct access *a;
	struct auth_assoc *assoc;
	access_done_fn *done;
	void *arg;
	bool now; /* inside access_identify(): the result is kept, not told */
	bool proxy;
	struct access_result result;
	struct buf lines;
	char uri[ACCESS_URI_MAX];
};

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

static void refuse(struct access_wait *w, int code, struct str reason)
{
	w->result.code = code;
	w->result.reason = reason;
}

static void accept_identity(struct access_wait *w, const struct auth_result *r)
{
	size_t n = MIN(r->uri.len, sizeof(w->uri));
	w->a->stats.accepted++;
	memcpy(w->uri, r->uri.p, n);
	w->result.verdict = ACCESS_OK;
	w->result.id = (struct access_identity){
		.account = r->account,
		.credential = r->credential,
		.uri = str_n(w->uri, n),
	};
}

static void translate(struct access_wait *w, const struct auth_result *r)
{
	w->result.verdict = ACCESS_REFUSED;
	switch (r->kind) {
	case AUTH_ACCEPT:
		accept_identity(w, r);
		break;
	case AUTH_CHALLENGE:
		put_challenge(w, r->challenge, false);
		break;
	case AUTH_REFUSE:
		w->a->stats.refused++;
		refuse(w, 403, STR("Wrong User Name Or Password"));
		break;
	case AUTH_SLOW:
		w->a->stats.slowed++;
		buf_printf(&w->lines, "Retry-After: %u\r\n", r->retry_s);
		refuse(w, 503, STR("Too Many Failed Sign-Ins"));
		break;
	case AUTH_FAILED:
		w->a->stats.failed++;
		buf_lit(&w->lines, "Retry-After: 5\r\n");
		refuse(w, 503, STR("Sign-In Service Not Available"));
		break;
	}
	w->result.lines = buf_view(&w->lines);
}

static void on_step(void *arg, const struct auth_result *r)
{
	struct access_wait *w = arg;
	translate(w, r);
	if (w->now)
		return;
	w->a->stats.pending--;
	access_done_fn *done = w->done;
	w->done = NULL;
	done(w->arg, &w->result);
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
	buf_free(&w->lines);
}

void access_wait_free(struct access_wait **wp)
{
	struct access_wait *w = take(wp);
	if (!w)
		return;
	if (w->done)
		w->a->stats.pending--;
	wait_done(w);
	free(w);
}

/* One step; true if it is decided. */
static bool step(struct access_wait *w, const struct sip_msg *m, struct str creds)
{
	struct access *a = w->a;
	if (creds.len == 0) {
		w->result.verdict = ACCESS_REFUSED;
		put_challenge(w, STR(""), false);
		w->result.lines = buf_view(&w->lines);
		return true;
	}
	w->now = true;
	int r = a->mech->step(a->mech_state, w->assoc, m, creds, loop_wall(a->loop), on_step, w);
	w->now = false;
	return r != -EINPROGRESS;
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

enum access_verdict access_identify(struct access *a, struct sip_flow *f, const struct sip_msg *m,
                                    struct access_result *ret, access_done_fn *done,
                                    struct access_wait **ret_wait)
{
	bool is_register = m->method == SIP_REGISTER;
	if (too_busy(a, ret))
		return ACCESS_REFUSED;
	/* The last answer's memory lives until here. */
	access_wait_free(&a->last);
	struct access_wait *w = xnew(struct access_wait);
	*w = (struct access_wait){ .a = a, .proxy = !is_register, .lines = buf_of(4096) };
	w->assoc = a->mech->begin(a->mech_state, &f->peer);
	struct str creds = our_credentials(
	        a, m, is_register ? SIP_H_AUTHORIZATION : SIP_H_PROXY_AUTHORIZATION);
	if (step(w, m, creds)) {
		*ret = w->result;
		a->last = w;
		return ret->verdict;
	}
	w->done = done;
	a->stats.pending++;
	*ret_wait = w;
	return ACCESS_WAIT;
}
