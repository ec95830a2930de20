#include <errno.h>
#include <stdlib.h>

#include "role/frontend/fe.h"

struct check {
	struct frontend *fe;
	uint64_t account;
};

static void on_found(void *arg, int err, const struct account *acc)
{
	struct check *c = arg;
	bool gone = err == -ENOENT || (err == 0 && (acc->disabled || acc->id != c->account));
	if (gone)
		(void)registrar_kick(c->fe->registrar, c->account, 0,
		                     "account is not there any more");
	else if (err < 0)
		log_warning(NULL, "account-not-checked", "account=%llu error=%d",
		            (unsigned long long)c->account, err);
	free(c);
}

void fe_revalidate(struct frontend *fe)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct home_user *u; (u = registrar_walk(fe->registrar, &slot, &after)) != NULL;) {
		struct check *c = xnew(struct check);
		c->fe = fe;
		c->account = u->account;
		(void)accounts_lookup(fe->accounts, home_user_aor(u), on_found, c);
	}
}
