#include <errno.h>
#include <sys/resource.h>

#include "base/rand.h"
#include "role/frontend/fe.h"
#include "svc/access/dialect.h"

/* Too much of everything: connections for which there is no descriptor, and more messages than this
 * process can serve (svc/access/overload.h). */

enum { RETRY_MIN_S = 10, RETRY_SPREAD_S = 20, REFUSED_LINES_PER_S = 1 };

static void apply(struct frontend *fe)
{
	const struct overload_limits *l = overload_limits(fe->overload.state);
	sip_transport_set_accepts(fe->tp, l->accepts);
	fe_sockets_set_accepts(fe, l->accepts);
	by_door_set_per_turn(fe->by_door, l->accepts);
	stream_set_handshakes(fe->loop, l->handshakes);
}

static void tell(const struct frontend *fe, enum overload_state before, usec_t turn)
{
	bool more = fe->overload.state > before;
	log_line(more ? LOG_WARNING : LOG_INFO, NULL, more ? "overload-entered" : "overload-left",
	         "state=%s before=%s latency_ms=%llu", overload_name(fe->overload.state),
	         overload_name(before), (unsigned long long)(turn / USEC_PER_MSEC));
}

static void on_sample(void *arg)
{
	struct frontend *fe = arg;
	enum overload_state before = fe->overload.state;
	usec_t turn = loop_take_longest_turn(fe->loop, LOOP_TURNS_LOAD);
	usec_t bound = fe->cfg.overload_ms * USEC_PER_MSEC;
	if (overload_feed(&fe->overload, overload_signal(turn, bound))) {
		apply(fe);
		tell(fe, before, turn);
	}
	timer_set(&fe->load_timer, loop_now(fe->loop) + OVERLOAD_SAMPLE_S * USEC_PER_SEC);
}

void fe_load_init(struct frontend *fe)
{
	timer_init(&fe->load_timer, fe->loop, on_sample, fe);
	timer_set(&fe->load_timer, loop_now(fe->loop) + OVERLOAD_SAMPLE_S * USEC_PER_SEC);
}

/* A new client: nobody has signed in on its connection, and it does not bring the answer to a
 * challenge either.  Who refreshes over UDP does. */
static bool is_new_client(const struct task *t)
{
	return t->msg->method == SIP_REGISTER && !access_is_known(t->flow) &&
	       !sip_first(t->msg, SIP_H_AUTHORIZATION);
}

/* 503 would end a Lync client's attempts for good (design section 4): it gets 504. */
bool fe_refused_by_load(struct task *t)
{
	struct frontend *fe = t->fe;
	char lines[512];
	struct buf b = BUF_ON(lines);
	if (overload_limits(fe->overload.state)->new_clients || !is_new_client(t))
		return false;
	fe->n_turned_away++;
	/* Not all at once again. */
	buf_printf(&b, "Retry-After: %u\r\n",
	           RETRY_MIN_S + (unsigned)(rand_u64() % RETRY_SPREAD_S));
	task_log_refusal(t, REFUSE_TURNED_AWAY);
	refusal_put(&b, REFUSE_TURNED_AWAY, fe->env->self->fqdn);
	bool lync = dialect_of(t->msg) == DIALECT_LYNC;
	task_reply(t, lync ? 504 : refusal_row(REFUSE_TURNED_AWAY)->code,
	           str_of(lync ? "" : refusal_row(REFUSE_TURNED_AWAY)->phrase), buf_view(&b));
	return true;
}

enum role_load fe_load(void *state)
{
	static const enum role_load names[OVERLOAD_N_STATES] = { [OVERLOAD_CALM] = ROLE_CALM,
		                                                 [OVERLOAD_BUSY] = ROLE_BUSY,
		                                                 [OVERLOAD_FULL] = ROLE_FULL };
	struct frontend *fe = state;
	return names[fe->overload.state];
}

void fe_connection_refused(struct frontend *fe, int err)
{
	struct rlimit l = { 0, 0 };
	if (!log_allow(&fe->refused_limit, loop_now(fe->loop), REFUSED_LINES_PER_S))
		return;
	if (err == -EUSERS) {
		log_warning(NULL, "connection-refused",
		            "why=\"connections-max (%u) is reached; raise it in topology.conf\"",
		            fe->cfg.connections_max);
		return;
	}
	(void)getrlimit(RLIMIT_NOFILE, &l);
	log_warning(NULL, "connection-refused", "why=\"%s\" descriptors=%llu remedy=\"raise %s\"",
	            err == -EMFILE ? "this process has no descriptor left"
	                           : "the system has no descriptor or memory left",
	            (unsigned long long)l.rlim_cur,
	            err == -EMFILE ? "LimitNOFILE of the unit dialtoned.service, or ulimit -n"
	                           : "fs.file-max (sysctl), or the memory");
}
