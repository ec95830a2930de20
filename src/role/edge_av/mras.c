#include <errno.h>

#include "base/code.h"
#include "role/edge_av/ea.h"
#include "wire/mime/mime.h"
#include "wire/mrasp/mrasp.h"

/* The relay authentication service ([MS-AVEDGEA]): SERVICE requests, which front ends pass on from
 * signed-in users and from the media bridges of their hosts; the front end says who it is, and
 * nobody gets credentials of another. */

enum { ANSWER_MAX = 64 * 1024, WHO_MAX = RELAY_USER_MAX };

static uint64_t wall_s(const struct edge_av *ea)
{
	return loop_wall(ea->env->loop) / USEC_PER_SEC;
}

static int grant(struct edge_av *ea, const struct relay_grant *g, struct ea_grant *ret)
{
	char space[RELAY_NAME_MAX + 1];
	uint8_t secret[RELAY_PASSWORD_LEN];
	struct buf name = BUF_ON(space), ub = BUF_ON(ret->user), pb = BUF_ON(ret->password);
	uint64_t now_s = wall_s(ea);
	if (relay_is_barred(ea->relay, g->user))
		return -EACCES;
	int r = relay_grant_put(ea->keys, now_s, g, &name, secret);
	if (r < 0)
		return r;
	base64_put(&ub, name.p, name.len);
	base64_put(&pb, secret, sizeof(secret));
	ret->user[ub.len] = ret->password[pb.len] = '\0';
	ret->life_s = (uint32_t)(g->expires_s - now_s);
	wipe(secret, sizeof(secret));
	ea->granted++;
	return 0;
}

int ea_grant(struct edge_av *ea, struct str user, uint32_t life_s, struct ea_grant *ret)
{
	struct relay_grant g = { .user = user, .expires_s = wall_s(ea) + life_s };
	return grant(ea, &g, ret);
}

/* --- who asks -------------------------------------------------------------------------- */

/* "sip:alice@example.test" without the scheme and parameters. */
static int read_aor(struct str uri, struct buf *ret)
{
	struct sip_uri u;
	char text[WHO_MAX + 8];
	struct buf b = BUF_ON(text);
	if (sip_uri_parse(&u, uri) < 0)
		return -EINVAL;
	struct str bare = sip_bare_aor(&u, &b);
	if (bare.len == 0 || b.full)
		return -EINVAL;
	buf_str(ret, bare);
	return ret->full ? -EINVAL : 0;
}

/* Whom the front end asserted. */
static int read_asserted(const struct sip_msg *m, struct buf *ret)
{
	struct sip_addr a;
	struct str rest = sip_value(m, SIP_H_P_ASSERTED_IDENTITY);
	return sip_addr_next(&rest, &a) > 0 ? read_aor(a.uri, ret) : -EINVAL;
}

static bool is_for(struct str who, struct str identity)
{
	char text[WHO_MAX + 1];
	struct buf b = BUF_ON(text);
	return read_aor(identity, &b) == 0 && str_ieq(buf_view(&b), who);
}

static enum mrasp_reason judge(const struct mrasp_request *rq, struct str who)
{
	if (!str_eq(rq->version, STR(MRASP_VERSION)))
		return MRASP_NOT_SUPPORTED;
	for (size_t i = 0; i < rq->n_wanted; i++)
		if (!is_for(who, rq->wanted[i].identity))
			return MRASP_FORBIDDEN;
	return MRASP_OK;
}

static bool is_over(struct ea_asked *a, usec_t now, usec_t window, uint32_t max)
{
	if (now - a->since >= window) {
		a->since = now;
		a->n = 0;
	}
	if (a->n == max)
		return true;
	a->n++;
	return false;
}

/* Each user first: what one asks in vain is not taken from the others. */
static bool too_many(struct edge_av *ea, struct str who)
{
	usec_t now = loop_now(ea->env->loop);
	struct ea_asked *own = &ea->asked_by[hash_lower(&ea->host_key, who) % EA_ASKERS];
	return is_over(own, now, 60 * USEC_PER_SEC, EA_ASKED_PER_MIN) ||
	       is_over(&ea->asked, now, USEC_PER_SEC, EA_ASKED_PER_S);
}

/* --- the answer ------------------------------------------------------------------------ */

/* The port of the face for those clients: the first on a public address for the Internet, on a
 * private one for the own network; else any. */
static uint16_t port_of(const struct edge_av *ea, enum topo_proto proto, bool internet)
{
	const struct topo_role *self = ea->env->self;
	uint16_t port = 0;
	for (size_t i = 0; i < self->n_listens; i++) {
		const struct topo_listen *l = &self->listens[i];
		if (l->proto != proto)
			continue;
		if (addr_is_private(&l->addr) != internet)
			return addr_port(&l->addr);
		port = port ? port : addr_port(&l->addr);
	}
	return port;
}

static struct mrasp_relay relay_at(const struct edge_av *ea, enum mrasp_location location)
{
	bool internet = location == MRASP_INTERNET;
	return (struct mrasp_relay){ .location = location,
		                     .host = relay_setup_name(&ea->setup, ea->env->self, internet),
		                     .udp = port_of(ea, TOPO_UDP, internet),
		                     .tcp = port_of(ea, TOPO_TCP, internet) };
}

static bool is_same(const struct mrasp_relay *a, const struct mrasp_relay *b)
{
	return str_ieq(a->host, b->host) && a->udp == b->udp && a->tcp == b->tcp;
}

size_t ea_list_relays(const struct edge_av *ea, enum mrasp_location first,
                      struct mrasp_relay ret[2])
{
	ret[0] = relay_at(ea, first);
	ret[1] = relay_at(ea, first == MRASP_INTERNET ? MRASP_INTRANET : MRASP_INTERNET);
	return is_same(&ret[0], &ret[1]) ? 1 : 2;
}

static int grant_all(struct edge_av *ea, const struct mrasp_request *rq, struct str who,
                     struct ea_grant *grants, struct mrasp_granted *ret)
{
	struct relay_grant g = { .user = who,
		                 .expires_s = wall_s(ea) + ea->setup.s.credential_life_s };
	/* A bridge's calls are those of many users. */
	if (role_at_address(ea->env->topo, STR("media-bridge"), who))
		g.user_kbps = RELAY_OF_SERVER;
	for (size_t i = 0; i < rq->n_wanted; i++) {
		int r = grant(ea, &g, &grants[i]);
		if (r < 0)
			return r;
		ret[i] = (struct mrasp_granted){ .user = str_of(grants[i].user),
			                         .password = str_of(grants[i].password),
			                         .duration = grants[i].life_s / 60 };
	}
	return 0;
}

static int code_of(enum mrasp_reason why)
{
	static const int codes[MRASP_N_REASONS] = {
		[MRASP_OK] = 200,        [MRASP_MALFORMED] = 400,
		[MRASP_TOO_LARGE] = 413, [MRASP_NOT_SUPPORTED] = 488,
		[MRASP_BUSY] = 500,      [MRASP_FORBIDDEN] = 403,
		[MRASP_FAILURE] = 500,
	};
	return codes[why];
}

static void answer(struct edge_av *ea, struct sip_req *rq, const struct mrasp_response *r)
{
	auto_(buf_free) struct buf body = buf_of(ANSWER_MAX);
	mrasp_put(&body, r);
	ea->not_granted += r->why != MRASP_OK;
	sip_reply(rq, code_of(r->why), r->why == MRASP_OK ? STR("") : mrasp_phrase(r->why), STR(""),
	          STR(MRASP_TYPE), buf_view(&body));
}

static void log_asked(struct edge_av *ea, struct str who, enum mrasp_reason why)
{
	usec_t now = loop_now(ea->env->loop);
	if (why == MRASP_OK && log_allow(&ea->issued_limit, now, EA_LINES_PER_S))
		log_info(NULL, "credentials-granted", "user=%s life=%us", log_esc(who),
		         ea->setup.s.credential_life_s);
	if (why != MRASP_OK && log_allow(&ea->refusal_limit, now, EA_LINES_PER_S))
		log_info(NULL, "credentials-refused", "user=%s why=%s", log_esc(who),
		         log_text(mrasp_phrase(why)));
}

/* Before anything of it is read. */
static enum mrasp_reason admit(struct edge_av *ea, const struct sip_msg *m, struct buf *who)
{
	if (read_asserted(m, who) < 0)
		return MRASP_FORBIDDEN;
	return too_many(ea, buf_view(who)) ? MRASP_BUSY : MRASP_OK;
}

static void serve(struct edge_av *ea, struct sip_req *rq)
{
	auto_(arena_free) struct arena *a = arena_new();
	char text[WHO_MAX + 1];
	struct buf who = BUF_ON(text);
	RAW_MEMORY struct mrasp_request asked;
	RAW_MEMORY struct ea_grant grants[MRASP_WANTED_MAX];
	RAW_MEMORY struct mrasp_granted granted[MRASP_WANTED_MAX];
	struct mrasp_relay relays[2];
	struct mrasp_response r = { .granted = granted, .relays = relays };
	r.why = admit(ea, rq->msg, &who);
	if (r.why == MRASP_OK) {
		int e = mrasp_parse(&asked, a, rq->msg->body);
		r.to = e < 0 ? NULL : &asked;
		r.why = e == -E2BIG ? MRASP_TOO_LARGE
		        : e < 0     ? MRASP_MALFORMED
		                    : judge(&asked, buf_view(&who));
	}
	if (r.why == MRASP_OK) {
		r.n_relays = ea_list_relays(ea, asked.wanted[0].location, relays);
		int err = grant_all(ea, &asked, buf_view(&who), grants, granted);
		if (err < 0)
			r.why = err == -EACCES ? MRASP_FORBIDDEN : MRASP_FAILURE;
	}
	log_asked(ea, buf_view(&who), r.why);
	answer(ea, rq, &r);
	wipe(grants, sizeof(grants));
}

void ea_request(void *arg, struct sip_req *rq)
{
	struct edge_av *ea = arg;
	struct mime_type type;
	const struct sip_msg *m = rq->msg;
	if (m->method == SIP_ACK)
		sip_ignore(rq);
	else if (m->method == SIP_OPTIONS) /* how a front end of another host begins */
		sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
	else if (!role_may_ask(ea_right_of(ea, rq->flow), m->method_name))
		sip_reply(rq, 403, STR("No Right"), STR(""), STR(""), STR(""));
	else if (mime_type_parse(&type, sip_value(m, SIP_H_CONTENT_TYPE)) < 0 ||
	         !mime_type_is(&type, STR(MRASP_TYPE)))
		sip_reply(rq, 415, STR(""), STR("Accept: " MRASP_TYPE "\r\n"), STR(""), STR(""));
	else
		serve(ea, rq);
}
