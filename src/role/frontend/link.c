#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/frontend/fe.h"

/* Requests from the other processes of this box.  The topmost Route says which part is theirs:
 *
 *   o.ACCOUNT           the caller's home; o.ACCOUNT.1 if another may be speaking in her dialog
 *   t.ACCOUNT.ENDPOINT  the callee's home (endpoint 0: all of them); in a dialog as o
 *   r.ACCOUNT.CRED      the registrar of the account
 *   d.TOKEN             the process that holds the connection: out to the client; or the dialog
 *   s.ACCOUNT           a pager message for the user's sessions (svc/conversation)
 *   p.ACCOUNT           a session for a user who has phones alone
 *   k.ACCOUNT           a pager message that was kept for the user (from this very process);
 *                       k.ACCOUNT.1 if she remembers it already
 *   v.ACCOUNT           that one was delivered to that user (from this very process)
 *   w.ACCOUNT           one that is to be kept for him (from this very process)
 *
 * and behind o or t a d.TOKEN names the other end of a dialog. */

/* "o.1f" or "t.1f.0": up to two hexadecimal numbers behind the letter. */
static int read_stage(struct str user, char *ret_letter, uint64_t ret[2])
{
	struct str head, rest = user;
	ret[0] = ret[1] = 0;
	if (user.len < 3 || user.p[1] != '.')
		return -EINVAL;
	*ret_letter = user.p[0];
	rest = str_sub(user, 2, user.len);
	for (int i = 0; i < 2 && rest.len; i++) {
		(void)str_cut(rest, '.', &head, &rest);
		for (size_t k = 0; k < head.len; k++) {
			uint8_t digit;
			char two[2] = { '0', head.p[k] };
			if (k == 16 || hex_get(str_n(two, 2), &digit, 1) < 0)
				return -EINVAL;
			ret[i] = ret[i] << 4 | digit;
		}
	}
	return rest.len ? -EINVAL : 0;
}

/* The first Route value's user part; -ENOENT if there is no Route. */
static int first_route(const struct sip_msg *m, struct str *ret_user)
{
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value(m, SIP_H_ROUTE);
	if (sip_addr_next(&rest, &a) <= 0 || sip_uri_parse(&u, a.uri) < 0)
		return -ENOENT;
	*ret_user = u.user;
	return 0;
}

/* Who sends, as the first hop asserted it. */
static void read_asserted(struct task *t)
{
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value(
	        t->msg, t->msg->method == SIP_REGISTER ? SIP_H_FROM : SIP_H_P_ASSERTED_IDENTITY);
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	struct access_identity id = t->who;
	if (sip_addr_next(&rest, &a) <= 0 || sip_uri_parse(&u, a.uri) < 0 ||
	    sip_uri_aor(&u, &b) < 0 || b.full)
		return;
	id.uri = str_sub(buf_view(&b), 4, b.len);
	task_set_who(t, &id);
}

static void on_register(struct task *t)
{
	struct sip_addr a;
	struct sip_uri u;
	struct token way;
	struct str rest = sip_value(t->msg, SIP_H_PATH);
	if (sip_addr_next(&rest, &a) <= 0 || sip_uri_parse(&u, a.uri) < 0 ||
	    token_get(&way, &t->fe->key, u.user) < 0)
		task_refuse(t, REFUSE_BAD_PATH, STR(""));
	else
		fe_register_home(t, way.hint);
}

static void refuse_stage(struct task *t)
{
	task_refuse(t, REFUSE_UNKNOWN_STAGE, STR(""));
}

/* An MCU speaks in dialogs that its members began, by the way that they gave it, and in no other
 * name or place. */
static bool is_served(const struct task *t, struct str user)
{
	return !fe_is_mcu(t->flow) || str_starts(user, STR("d."));
}

static void enter(struct task *t, char letter, const uint64_t part[2])
{
	switch (letter) {
	case 'r':
		t->who.account = part[0];
		t->who.credential = part[1];
		on_register(t);
		break;
	case 'o':
		t->who.account = part[0];
		t->unsure = part[1] != 0;
		(t->has_peer ? fe_in_dialog_home : fe_originate)(t);
		break;
	case 'k':
		t->redelivered = true;
		t->noted = part[1] != 0;
		t->callee = part[0];
		(t->flow->sock == t->fe->env->slot ? fe_terminate : refuse_stage)(t);
		break;
	case 'v':
		t->receipt = true;
		t->who.account = part[0];
		(t->flow->sock == t->fe->env->slot ? fe_originate : refuse_stage)(t);
		break;
	case 'w':
		t->callee = part[0];
		if (t->flow->sock != t->fe->env->slot || !fe_keep(t))
			refuse_stage(t);
		break;
	case 't':
		t->callee = part[0];
		t->callee_endpoint = t->has_peer ? 0 : part[1];
		t->unsure = t->has_peer && part[1] != 0;
		(t->has_peer ? fe_in_dialog_end : fe_terminate_from_home)(t);
		break;
	case 's':
	case 'p':
		fe_im_enter(t, letter, part[0]);
		break;
	default:
		refuse_stage(t);
	}
}

void fe_from_link(struct frontend *fe, struct sip_req *rq)
{
	struct task t = { .fe = fe, .rq = rq, .msg = rq->msg, .flow = rq->flow, .from_link = true };
	struct str user;
	uint64_t part[2];
	char letter;
	t.secure = fe_is_sips(rq->msg->uri);
	int code = sip_proxy_check(rq, &t.max_forwards);
	if (code == 0)
		code = fe_read_routes(&t);
	if (code) {
		task_refuse(&t, fe_path_refusal(code), STR(""));
		return;
	}
	if (!fe_has_right(&t)) {
		task_refuse(&t, REFUSE_NO_RIGHT, STR(""));
		return;
	}
	if (fe_is_bridge(t.flow) && t.msg->method == SIP_SERVICE) {
		fe_bridge_to_edge(&t);
		return;
	}
	read_asserted(&t);
	if (first_route(t.msg, &user) < 0)
		(fe_is_mcu(t.flow) ? fe_from_conference : fe_lost_notice)(&t);
	else if (!is_served(&t, user))
		refuse_stage(&t);
	else if (str_starts(user, STR("d.")))
		fe_way_out(&t);
	else if (read_stage(user, &letter, part) == 0)
		enter(&t, letter, part);
	else
		task_refuse(&t, REFUSE_UNKNOWN_STAGE, STR(""));
}
