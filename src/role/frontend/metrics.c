#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "role/frontend/fe.h"

/* Figures for `dialtone status` and for Prometheus. */

static void metric(struct buf *b, const char *name, const char *labels, uint64_t value)
{
	buf_printf(b, "dialtone_%s{%s} %" PRIu64 "\n", name, labels, value);
}

static void type(struct buf *b, const char *name, const char *kind, const char *help)
{
	buf_printf(b, "# HELP dialtone_%s %s\n# TYPE dialtone_%s %s\n", name, help, name, kind);
}

static void put_methods(struct buf *b, const struct sip_stack_stats *s)
{
	char label[64];
	type(b, "sip_requests_in_total", "counter", "SIP requests received, by method");
	for (int m = 0; m < SIP_N_METHODS; m++) {
		struct str name = sip_method_name((enum sip_method)m);
		(void)snprintf(label, sizeof(label), "method=\"%" STR_FMT "\"",
		               STR_ARG(name.len ? name : STR("other")));
		metric(b, "sip_requests_in_total", label, s->requests_in[m]);
	}
	type(b, "sip_requests_out_total", "counter", "SIP requests sent, by method");
	for (int m = 0; m < SIP_N_METHODS; m++) {
		struct str name = sip_method_name((enum sip_method)m);
		(void)snprintf(label, sizeof(label), "method=\"%" STR_FMT "\"",
		               STR_ARG(name.len ? name : STR("other")));
		metric(b, "sip_requests_out_total", label, s->requests_out[m]);
	}
}

static void put_codes(struct buf *b, const struct sip_stack_stats *s)
{
	char label[32];
	type(b, "sip_responses_out_total", "counter", "SIP responses sent, by status code");
	for (int code = 100; code < 700; code++) {
		if (s->codes_out[code] == 0)
			continue;
		(void)snprintf(label, sizeof(label), "code=\"%d\"", code);
		metric(b, "sip_responses_out_total", label, s->codes_out[code]);
	}
	type(b, "sip_responses_in_total", "counter", "SIP responses received, by class");
	for (int c = 1; c < 7; c++) {
		(void)snprintf(label, sizeof(label), "class=\"%dxx\"", c);
		metric(b, "sip_responses_in_total", label, s->responses_in[c]);
	}
}

static void put_presence(struct buf *b, const struct frontend *fe)
{
	const struct subs_stats *s = subs_stats(fe->subs);
	type(b, "subscriptions", "gauge", "subscriptions that this process tells of changes");
	metric(b, "subscriptions", "", s->n);
	type(b, "notifications_total", "counter", "notifications of changes sent, by method");
	metric(b, "notifications_total", "method=\"BENOTIFY\"", s->benotified);
	metric(b, "notifications_total", "method=\"NOTIFY\"", s->notified);
	type(b, "notifications_failed_total", "counter", "notifications that reached nobody");
	metric(b, "notifications_failed_total", "", s->failed);
	type(b, "people", "gauge", "users whose presence is known here, replicas included");
	metric(b, "people", "", people_count(fe->people));
}

static void put_flows(struct buf *b, const struct sip_transport_stats *t)
{
	char label[32];
	type(b, "connections", "gauge", "connections now, by transport");
	for (int k = SIP_TCP; k < SIP_N_KINDS; k++) {
		(void)snprintf(label, sizeof(label), "transport=\"%s\"",
		               sip_kind_name((enum sip_kind)k));
		metric(b, "connections", label, t->flows[k]);
	}
	type(b, "sip_messages_total", "counter", "SIP messages, by transport and direction");
	for (int k = 0; k < SIP_N_KINDS; k++) {
		char l[64];
		const char *name = sip_kind_name((enum sip_kind)k);
		(void)snprintf(l, sizeof(l), "transport=\"%s\",way=\"in\"", name);
		metric(b, "sip_messages_total", l, t->msgs_in[k]);
		(void)snprintf(l, sizeof(l), "transport=\"%s\",way=\"out\"", name);
		metric(b, "sip_messages_total", l, t->msgs_out[k]);
	}
	type(b, "sip_unreadable_messages_total", "counter", "messages that could not be read");
	metric(b, "sip_unreadable_messages_total", "", t->broken);
	type(b, "sip_large_requests_total", "counter",
	     "large requests to phones of UDP: tried over TCP, or over UDP at once");
	metric(b, "sip_large_requests_total", "way=\"tcp\"", t->large_tcp);
	metric(b, "sip_large_requests_total", "way=\"udp\"", t->large_udp);
	type(b, "connections_refused_total", "counter", "connections that were not taken");
	metric(b, "connections_refused_total", "", t->refused);
	type(b, "listener_refused_total", "counter",
	     "connections refused at the limit of descriptors");
	metric(b, "listener_refused_total", "", t->refused_full);
}

static void put_conversations(struct buf *b, const struct im_stats *im)
{
	type(b, "im_sessions", "gauge", "IM sessions that the server is one end of");
	metric(b, "im_sessions", "", im->sessions);
	type(b, "im_messages_total", "counter", "messages translated, by direction");
	metric(b, "im_messages_total", "to=\"session\"", im->messages_in);
	metric(b, "im_messages_total", "to=\"pager\"", im->messages_out);
}

void fe_metrics(void *state, struct buf *b)
{
	struct frontend *fe = state;
	const struct sip_stack_stats *s = sip_stack_stats(fe->stack);
	const struct access_stats *a = access_stats(fe->access);
	put_methods(b, s);
	put_codes(b, s);
	put_flows(b, sip_transport_stats(fe->tp));
	put_presence(b, fe);
	type(b, "sip_transactions", "gauge", "transactions now");
	metric(b, "sip_transactions", "side=\"server\"", s->stx);
	metric(b, "sip_transactions", "side=\"client\"", s->ctx);
	type(b, "sip_retransmits_total", "counter", "retransmissions");
	metric(b, "sip_retransmits_total", "way=\"in\"", s->retransmits_in);
	metric(b, "sip_retransmits_total", "way=\"out\"", s->retransmits_out);
	type(b, "sip_bad_messages_total", "counter", "messages that could not be served");
	metric(b, "sip_bad_messages_total", "", s->bad);
	type(b, "load", "gauge", "0 calm, 1 busy, 2 full: new clients are turned away");
	metric(b, "load", "", fe->overload.state);
	type(b, "turned_away_total", "counter", "REGISTERs of new clients refused while full");
	metric(b, "turned_away_total", "", fe->n_turned_away);
	type(b, "endpoints", "gauge", "endpoints signed in");
	metric(b, "endpoints", "", registrar_count(fe->registrar));
	type(b, "calls", "gauge", "calls known");
	metric(b, "calls", "", calls_count(fe->calls));
	type(b, "sign_ins_total", "counter", "authentications, by outcome");
	metric(b, "sign_ins_total", "outcome=\"accepted\"", a->accepted);
	metric(b, "sign_ins_total", "outcome=\"challenged\"", a->challenges);
	metric(b, "sign_ins_total", "outcome=\"refused\"", a->refused);
	metric(b, "sign_ins_total", "outcome=\"slowed\"", a->slowed);
	metric(b, "sign_ins_total", "outcome=\"failed\"", a->failed);
	type(b, "wrong_signatures_total", "counter", "messages dropped for their signature");
	metric(b, "wrong_signatures_total", "", a->wrong_signatures);
	put_conversations(b, im_stats(fe->im));
	type(b, "conferences", "gauge", "conferences stored; with people in them");
	metric(b, "conferences", "state=\"stored\"", fe_conferences(fe, false));
	metric(b, "conferences", "state=\"running\"", fe_conferences(fe, true));
	type(b, "history_lost_total", "counter",
	     "messages that were delivered and could not be remembered");
	metric(b, "history_lost_total", "", fe->history.n_lost);
	type(b, "store_failed_writes_total", "counter", "writes behind that failed");
	metric(b, "store_failed_writes_total", "", fe->behind.errors);
	type(b, "unsaved_bindings", "gauge", "bindings that the disk does not hold as they are");
	metric(b, "unsaved_bindings", "", fe_behind_unsaved(fe));
	fe_sockets_metrics(fe, b);
	fe_hosts_metrics(fe, b);
	fe_edges_metrics(fe, b);
}

/* Roles of other hosts. */
static void put_peers(const struct frontend *fe, struct buf *b)
{
	if (fe->env->n_peers == 0)
		return;
	buf_lit(b, ",\"peers\":[");
	fe_hosts_status(fe, b);
	fe_edges_status(fe, b);
	b->len--; /* the last comma */
	buf_char(b, ']');
}

void fe_status(void *state, struct buf *b)
{
	struct frontend *fe = state;
	const struct sip_stack_stats *s = sip_stack_stats(fe->stack);
	const struct sip_transport_stats *t = sip_transport_stats(fe->tp);
	uint64_t in = 0;
	for (int m = 0; m < SIP_N_METHODS; m++)
		in += s->requests_in[m];
	buf_printf(b,
	           "\"endpoints\":%zu,\"calls\":%zu,\"connections\":%" PRIu64
	           ",\"transactions\":%u,\"requests\":%" PRIu64 ",\"accounts\":%s",
	           registrar_count(fe->registrar), calls_count(fe->calls),
	           t->flows[SIP_TCP] + t->flows[SIP_TLS] + t->flows[SIP_WSS] -
	                   fe_hosts_connections(fe) - fe_edges_connections(fe),
	           s->stx + s->ctx, in, accounts_is_up(fe->accounts) ? "true" : "false");
	buf_printf(b, ",\"unsaved_bindings\":%u,\"store\":\"%s\"", fe_behind_unsaved(fe),
	           fe->behind.err < 0 ? strerror(-fe->behind.err) : "ok");
	put_peers(fe, b);
}
