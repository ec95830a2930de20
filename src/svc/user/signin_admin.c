#include <errno.h>

#include "svc/user/signin_priv.h"

/* The log-in that a ticket is of, if it may ask now. */
static int find_login(struct signin *s, const struct acct_command *c, usec_t now, struct login *ret,
                      struct account *ret_acc, uint32_t *ret_retry_s)
{
	*ret_retry_s = SIGNIN_BUSY_S;
	int r = signin_ticket_find(s, c->ticket, &c->peer, now, ret, ret_acc, ret_retry_s);
	if (r == 0 && ret->token)
		return -ENOENT; /* a program's, not a person's */
	return r == 0 && signin_is_too_fast(s, ret->account, now) ? -EAGAIN : r;
}

enum acct_own_status signin_admin(struct signin *s, const struct acct_command *c, usec_t now,
                                  struct signin_admin *ret, uint32_t *ret_retry_s)
{
	struct login login;
	struct account acc;
	bool missing = false;
	int r = find_login(s, c, now, &login, &acc, ret_retry_s);
	if (r < 0)
		return r == -EAGAIN   ? ACCT_OWN_SLOW
		       : r == -ENOENT ? ACCT_OWN_SIGNED_OUT
		                      : ACCT_OWN_FAILED;
	if (!acc.admin)
		return ACCT_OWN_NONE;
	if (factor_is_missing(s->db, login.account, &missing) < 0)
		return ACCT_OWN_FAILED;
	if (missing)
		return ACCT_OWN_REFUSED;
	logins_touch(s->db, &login);
	*ret = (struct signin_admin){ .account = login.account,
		                      .login = login.number,
		                      .proved = signin_is_proved(s, &login),
		                      .uri = acc.uri };
	return ACCT_OWN_DONE;
}
