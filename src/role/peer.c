#include "role/peer.h"

#include <errno.h>

#include "auth/cert_names.h"
#include "base/code.h"

void peer_put_name(struct buf *b, const struct topo_role *at, uint32_t process)
{
	buf_str(b, at->role);
	if (process > 0)
		buf_printf(b, "/%u", process);
	buf_lit(b, " on host ");
	buf_str(b, at->host->id);
}

void peer_put_status(struct buf *b, const struct role_env *env, const struct peer_state *s)
{
	buf_printf(b, "{\"role\":\"%s\",\"process\":%u,\"peer\":", env->role->name, env->slot + 1);
	json_put_str(b, s->peer);
	buf_printf(b, ",\"link\":\"%s\",\"address\":\"", s->link);
	if (s->to)
		addr_put(b, s->to);
	buf_printf(b, "\",\"state\":\"%s\",\"why\":", s->is_up ? "up" : "down");
	json_put_str(b, s->is_up ? STR("") : s->why);
	buf_char(b, '}');
}

/* A certificate from outside says nothing of roles: its name alone counts. */
static bool is_of_role(const struct tls_peer *cert, struct str role)
{
	static const struct str prefix = STR_INIT(CERT_ROLE_URI);
	bool said = false;
	for (size_t i = 0; i < cert->n_uris; i++) {
		if (!str_starts(cert->uris[i], prefix))
			continue;
		if (str_eq(str_sub(cert->uris[i], prefix.len, SIZE_MAX), role))
			return true;
		said = true;
	}
	return !said;
}

bool peer_has_cert(const struct topo_role *at, const struct tls_peer *cert)
{
	return cert && tls_peer_is(cert, at->fqdn) && is_of_role(cert, at->role);
}

int peer_find(const struct role_env *env, const struct tls_peer *cert)
{
	for (size_t i = 0; i < env->n_peers; i++)
		if (peer_has_cert(env->peers[i].at, cert))
			return (int)i;
	return -ENOENT;
}

size_t peer_count(const struct role_env *env, struct str role)
{
	size_t n = 0;
	for (size_t i = 0; i < env->n_peers; i++)
		n += str_eq(env->peers[i].at->role, role);
	return n;
}

int peer_tls_new(struct peer_tls *ret, const struct role_env *env, struct buf *why)
{
	const char *text = "there is none";
	struct tls_server_config sc = { .certs = env->certs,
		                        .n_certs = env->n_certs,
		                        .ca_pem = env->ca_pem,
		                        .verify = TLS_VERIFY_REQUIRED };
	struct tls_client_config cc = { .ca_pem = env->ca_pem, .cert = env->certs };
	struct peer_tls t = { .server = tls_server_new(&sc, &text) };
	if (t.server && env->n_certs > 0)
		t.client = tls_client_new(&cc, &text);
	if (!t.client) {
		buf_printf(why,
		           "certificate for the roles of other hosts: %s; `dialtone cert check` "
		           "says more\n",
		           text ? text : "unusable");
		peer_tls_done(&t);
		return -EINVAL;
	}
	*ret = t;
	return 0;
}

void peer_tls_done(struct peer_tls *t)
{
	tls_server_unref(&t->server);
	tls_client_unref(&t->client);
}
