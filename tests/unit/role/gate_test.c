#include "role/gate.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "auth/ca.h"
#include "auth/cert_names.h"
#include "await.h"
#include "role/line.h"

/* A gate of an MCU and a line of a front end, one loop: who comes in, who does not, and what is
 * said of it. */

#define TOPOLOGY                                                   \
	"[deployment]\ndomains = example.test\n"                   \
	"[host a]\nname = a.example.test\naddresses = 127.0.0.1\n" \
	"[host b]\nname = b.example.test\naddresses = 127.0.0.1\n" \
	"[role frontend]\nhost = a\n[role mcu-im]\nhost = b\nhttps = 127.0.0.1:%u\n"

struct identity {
	struct buf chain, key;
	struct tls_cert cert;
};

struct world {
	struct loop *loop;
	struct ca *ca;
	struct buf root;
	struct topo *topo;
	struct role_env fe, mcu; /* the processes of both */
	struct role_socket socket;
	struct identity fe_id, mcu_id;
	struct peer_tls fe_tls, mcu_tls;
	struct gate *gate;
	struct line *line;
	struct stream *in, *out; /* what was handed over */
	unsigned n_in, n_out;
	bool full; /* the gate's owner has no room */
};

static const struct role frontend = { .name = "frontend" };

static void issue(struct identity *id, struct ca *ca, struct str name, const char *role,
                  time_t when)
{
	char uri[64];
	struct buf b = BUF_ON(uri);
	if (role)
		buf_printf(&b, CERT_ROLE_URI "%s", role);
	struct ca_names names = {
		.common_name = name, .dns = &name, .n_dns = 1, .uri = buf_view(&b)
	};
	id->chain = buf_of(CA_PEM_MAX);
	id->key = buf_of(CA_PEM_MAX);
	EQ(ca_issue(ca, CA_P256, &names, when, &id->chain, &id->key), 0);
	id->cert = (struct tls_cert){ buf_view(&id->chain), buf_view(&id->key) };
}

static void identity_done(struct identity *id)
{
	buf_free(&id->chain);
	buf_free(&id->key);
}

static void bind_port(struct world *w)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	OK(bind(fd, (struct sockaddr *)&sin, len) == 0 && listen(fd, 64) == 0);
	OK(getsockname(fd, (struct sockaddr *)&sin, &len) == 0);
	w->socket = (struct role_socket){ .proto = TOPO_HTTPS, .fd = fd };
	OK(addr_from_sockaddr(&w->socket.addr, (struct sockaddr *)&sin, len) == 0);
}

static struct role_env env_of(struct world *w, size_t self, const struct identity *id)
{
	struct role_env e = { .loop = w->loop,
		              .role = &frontend,
		              .topo = w->topo,
		              .self = &w->topo->roles[self],
		              .peers = { { .at = &w->topo->roles[1 - self] } },
		              .n_peers = 1,
		              .n_certs = 1,
		              .ca_pem = buf_view(&w->root) };
	e.certs = (struct tls_cert *)(uintptr_t)&id->cert;
	return e;
}

static void start(struct world *w)
{
	auto_(buf_free) struct buf errors = buf_of(4096), text = buf_of(4096);
	*w = (struct world){ .loop = loop_new(), .root = buf_of(CA_PEM_MAX) };
	EQ(ca_new(&w->ca, STR("Test CA"), time(NULL)), 0);
	EQ(ca_put_cert(w->ca, &w->root), 0);
	bind_port(w);
	buf_printf(&text, TOPOLOGY, addr_port(&w->socket.addr));
	w->topo = topo_parse(buf_view(&text), STR("[local]\nhost = a\n"), "/etc/dt", &errors);
	EQ_STR(buf_view(&errors), "");
}

static bool on_enter(void *arg, size_t peer, struct stream *s)
{
	struct world *w = arg;
	EQ(peer, 0);
	if (w->full)
		return false;
	w->n_in++;
	w->in = s;
	return true;
}

static void on_open(void *arg, struct stream *s)
{
	struct world *w = arg;
	w->n_out++;
	w->out = s;
}

/* The gate and the line with these certificates. */
static void open_both(struct world *w)
{
	auto_(buf_free) struct buf why = buf_of(1000);
	w->fe = env_of(w, 0, &w->fe_id);
	w->mcu = env_of(w, 1, &w->mcu_id);
	w->mcu.sockets = &w->socket;
	w->mcu.n_sockets = 1;
	EQ(peer_tls_new(&w->fe_tls, &w->fe, &why), 0);
	EQ(peer_tls_new(&w->mcu_tls, &w->mcu, &why), 0);
	struct gate_config gc = { .env = &w->mcu,
		                  .proto = TOPO_HTTPS,
		                  .what = "C3P",
		                  .tls = w->mcu_tls.server,
		                  .enter = on_enter,
		                  .arg = w };
	struct line_config lc = { .env = &w->fe,
		                  .proto = TOPO_HTTPS,
		                  .what = "C3P",
		                  .tls = w->fe_tls.client,
		                  .open = on_open,
		                  .arg = w };
	w->gate = gate_new(&gc);
	w->line = line_new(&lc);
}

static void end(struct world *w)
{
	line_free(&w->line);
	gate_free(&w->gate);
	stream_free(&w->in);
	stream_free(&w->out);
	peer_tls_done(&w->fe_tls);
	peer_tls_done(&w->mcu_tls);
	identity_done(&w->fe_id);
	identity_done(&w->mcu_id);
	topo_free(&w->topo);
	ca_free(&w->ca);
	buf_free(&w->root);
	loop_free(&w->loop);
}

static void issue_both(struct world *w)
{
	issue(&w->fe_id, w->ca, STR("a.example.test"), "frontend", time(NULL));
	issue(&w->mcu_id, w->ca, STR("b.example.test"), "mcu-im", time(NULL));
}

/* Its status says so. */
static bool says(const struct line *l, const char *want)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	line_put_status(&b, l);
	return str_find(buf_view(&b), str_of(want)) >= 0;
}

static void a_role_of_another_host_comes_in(void)
{
	struct world w;
	start(&w);
	issue_both(&w);
	open_both(&w);
	AWAIT(w.loop, w.n_in == 1 && w.n_out == 1);
	EQ(gate_stats(w.gate)->entered, 1);
	OK(says(w.line, "\"state\":\"down\"")); /* until its owner has heard something */
	line_good(w.line);
	OK(says(w.line, "\"state\":\"up\"") && line_is_good(w.line));
	OK(says(w.line, "\"peer\":\"mcu-im on host b\""));
	end(&w);
}

static void a_lost_line_is_made_again(void)
{
	struct world w;
	start(&w);
	issue_both(&w);
	open_both(&w);
	for (unsigned i = 1; i <= 3; i++) {
		AWAIT(w.loop, w.n_in == i && w.n_out == i);
		stream_free(&w.in);
		stream_free(&w.out);
		line_lost(w.line, "as the test wants it");
		OK(says(w.line, "as the test wants it"));
	}
	end(&w);
}

/* The front end with this certificate does not get in. */
static void expect_refused(struct world *w)
{
	open_both(w);
	AWAIT(w->loop, gate_stats(w->gate)->strangers + gate_stats(w->gate)->failed > 0);
	EQ(w->n_in, 0);
	end(w);
}

static void certificates_of_others_do_not_get_in(void)
{
	static const struct {
		const char *name, *role;
	} rows[] = {
		{ "a.example.test", "media-bridge" },
		{ "a.example.test", "mcu-im" },
		{ "b.example.test", "frontend" },
		{ "b.example.test", "mcu-im" },
		{ "example.test", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		start(&w);
		issue(&w.fe_id, w.ca, str_of(rows[i].name), rows[i].role, time(NULL));
		issue(&w.mcu_id, w.ca, STR("b.example.test"), "mcu-im", time(NULL));
		expect_refused(&w);
	}
}

static void an_expired_certificate_does_not_get_in(void)
{
	struct world w;
	start(&w);
	issue(&w.fe_id, w.ca, STR("a.example.test"), "frontend",
	      time(NULL) - (CA_LEAF_DAYS + 1) * 86400L);
	issue(&w.mcu_id, w.ca, STR("b.example.test"), "mcu-im", time(NULL));
	expect_refused(&w);
}

static void a_certificate_from_outside_counts_by_its_name(void)
{
	struct world w;
	start(&w);
	issue(&w.fe_id, w.ca, STR("a.example.test"), NULL, time(NULL));
	issue(&w.mcu_id, w.ca, STR("b.example.test"), NULL, time(NULL));
	open_both(&w);
	AWAIT(w.loop, w.n_in == 1 && w.n_out == 1);
	end(&w);
}

/* The MCU has this certificate: the line says what is wrong with it, and does not open. */
static void expect_reason(const char *name, const char *role, time_t when, const char *want)
{
	struct world w;
	start(&w);
	issue(&w.fe_id, w.ca, STR("a.example.test"), "frontend", time(NULL));
	issue(&w.mcu_id, w.ca, str_of(name), role, when);
	open_both(&w);
	AWAIT(w.loop, says(w.line, want));
	EQ(w.n_out, 0);
	end(&w);
}

static void a_line_says_what_is_wrong_with_the_other_end(void)
{
	time_t now = time(NULL);
	expect_reason("c.example.test", "mcu-im", now,
	              "its certificate is not good for b.example.test");
	expect_reason("b.example.test", "media-bridge", now,
	              "its certificate is that of another role");
	expect_reason("b.example.test", "mcu-im", now - (CA_LEAF_DAYS + 1) * 86400L,
	              "its certificate has expired");
}

static void nobody_listens_there(void)
{
	struct world w;
	start(&w);
	issue_both(&w);
	open_both(&w);
	gate_free(&w.gate);
	AWAIT(w.loop, says(w.line, "Connection refused"));
	end(&w);
}

static void whom_there_is_no_room_for_is_closed(void)
{
	struct world w;
	start(&w);
	issue_both(&w);
	w.full = true;
	open_both(&w);
	AWAIT(w.loop, gate_stats(w.gate)->refused == 1);
	EQ(w.n_in, 0);
	end(&w);
}

int main(void)
{
	RUN(a_role_of_another_host_comes_in);
	RUN(a_lost_line_is_made_again);
	RUN(certificates_of_others_do_not_get_in);
	RUN(an_expired_certificate_does_not_get_in);
	RUN(a_certificate_from_outside_counts_by_its_name);
	RUN(a_line_says_what_is_wrong_with_the_other_end);
	RUN(nobody_listens_there);
	RUN(whom_there_is_no_room_for_is_closed);
	return tap_done();
}
