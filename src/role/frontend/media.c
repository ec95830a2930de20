#include "role/frontend/fe.h"
#include "svc/access/dialect.h"
#include "svc/bridge/route.h"
#include "svc/bridge/sound.h"
#include "svc/routing/media.h"
#include "wire/sdp/security.h"

/* Calls between a Lync client and another device: they pass the media bridge (svc/bridge), from the
 * home of the end that is called. */

bool fe_is_bridge(const struct sip_flow *f)
{
	return f->server && f->sock >= FE_BRIDGE_SOCK && f->sock < FE_MCU_SOCK;
}

void fe_bridge_up(struct frontend *fe, uint32_t slot, int fd)
{
	fe->bridges[slot] = sip_transport_link(fe->tp, (uint16_t)(FE_BRIDGE_SOCK + slot), fd);
	fe->n_bridges = MAX(fe->n_bridges, slot + 1);
}

struct sip_flow *fe_bridge(const struct frontend *fe, const struct sip_msg *m)
{
	/* The same process for all messages of a call, whichever front end they come by. */
	uint64_t h = hash_bytes(&fe->key.mask, m->call_id.p, m->call_id.len);
	struct sip_flow *f = fe->n_bridges ? fe->bridges[h % fe->n_bridges] : NULL;
	return f && !f->closed ? f : NULL;
}

void fe_put_bridge_route(const struct task *t, struct buf *b, const struct token *end)
{
	struct bridge_route r = { .sender_lync = dialect_of(t->msg) == DIALECT_LYNC,
		                  .slot = end->hint.slot };
	bridge_route_put(b, &r);
	buf_printf(b, ", <%s:", fe_scheme(t));
	token_put(b, &t->fe->key, end);
	buf_lit(b, "@" FE_LINK_DOMAIN ";lr>");
}

bool fe_crosses(const struct sip_msg *m, const struct binding *to)
{
	return (dialect_of(m) == DIALECT_LYNC) != to->lync;
}

static bool has_other_dialect(const struct task *t, struct home_user *callee)
{
	binding_for(b, callee) if (fe_crosses(t->msg, b)) return true;
	return false;
}

bool fe_refuses_media(struct task *t, struct home_user *callee)
{
	char lines[1024];
	struct buf lb = BUF_ON(lines);
	/* The description is read last: most calls are of one dialect. */
	if (t->msg->method != SIP_INVITE || !has_other_dialect(t, callee) ||
	    !fe_has_endpoint(t, callee) || !media_over_rtp(t->msg))
		return false;
	t->bridged = fe_bridge(t->fe, t->msg) != NULL;
	t->one_dialect = !t->bridged;
	if (t->bridged || fe_has_endpoint(t, callee))
		return false;
	refusal_put(&lb, REFUSE_NO_BRIDGE, t->fe->env->self->fqdn);
	if (dialect_of(t->msg) == DIALECT_LYNC)
		refusal_put_client(&lb);
	task_log_refusal(t, REFUSE_NO_BRIDGE);
	task_reply(t, refusal_row(REFUSE_NO_BRIDGE)->code, STR(""), buf_view(&lb));
	return true;
}

/* How the caller would protect the audio. */
static unsigned offered_by(const struct sip_msg *m)
{
	RAW_MEMORY struct sdp sdp;
	if (sound_find(&sdp, m) < 0)
		return 0;
	const struct sdp_media *audio = sdp_media_next(&sdp, NULL, STR("audio"));
	return audio ? sdp_security(&sdp, audio) : 0;
}

static struct str offer_text(unsigned offered)
{
	if (offered & SDP_SEC_DTLS)
		return STR("offered: SRTP with keys from DTLS");
	if (offered & SDP_SEC_SDES)
		return STR("offered: SRTP alone");
	if (offered & SDP_SEC_BESIDE)
		return STR("offered: RTP, or SRTP with a key beside it");
	return offered ? STR("offered: RTP without encryption") : STR("");
}

/* A refusal of the media says to nobody what was wrong with it; ours does. */
void fe_explain_media(struct frontend *fe, struct buf *b, const struct sip_msg *m,
                      const struct sip_msg *resp)
{
	if (resp->status == 488 && !sip_first(resp, SIP_H_MS_DIAGNOSTICS))
		refusal_put_more(b, REFUSE_MEDIA, offer_text(m ? offered_by(m) : 0),
		                 fe->env->self->fqdn);
}

/* Inside a dialog: what a call of two dialects sends passes the bridge that its first request
 * passed. */

static bool passes_bridge(const struct task *t, const struct binding *to)
{
	bool ends = t->msg->method == SIP_BYE;
	const struct sip_addr *from = sip_from(t->msg);
	/* A conference holds no sound that would have passed there. */
	if (t->fe->n_bridges == 0 || (from && fe_names_conference(from->uri)))
		return false;
	if (!to)
		return ends; /* nobody knows what it spoke */
	return (ends || media_method(t->msg)) && fe_crosses(t->msg, to);
}

static void send_by(struct task *t, struct sip_flow *bridge, const struct token *end,
                    struct str uri)
{
	char route[TOKEN_TEXT_MAX + 128];
	struct buf rb = BUF_ON(route);
	struct sip_branch_spec b = { .tag = end->endpoint, .flow = bridge };
	fe_put_bridge_route(t, &rb, end);
	fe_edit(t, &b.edit, false);
	b.edit.uri = uri;
	b.edit.push_routes = buf_view(&rb);
	fe_send(t, &b);
}

bool fe_by_bridge(struct task *t, const struct binding *to, const struct token *end, struct str uri)
{
	if (!passes_bridge(t, to))
		return false;
	struct sip_flow *bridge = fe_bridge(t->fe, t->msg);
	if (bridge)
		send_by(t, bridge, end, uri);
	else if (media_negotiates(t->msg))
		task_refuse(t, REFUSE_BRIDGE_DOWN, STR(""));
	else
		return false;
	return true;
}

bool fe_tell_bridge(struct task *t, const struct token *end)
{
	struct token gone = *end;
	struct sip_flow *bridge = t->msg->method == SIP_BYE ? fe_bridge(t->fe, t->msg) : NULL;
	if (!bridge)
		return false;
	gone.hint.slot = (uint8_t)t->fe->env->slot;
	send_by(t, bridge, &gone, (struct str){ NULL, 0 });
	return true;
}
