#include "svc/user/open.h"

#include "svc/user/logins.h"

enum { PATH_LEN_MAX = 4096 };

struct config {
	struct str store;
	bool ntlm;
	struct userdb_logins logins;
};

/* clang-format off */
const struct setting user_settings[] = {
	SETTING_STR("store", struct config, store, .min = 1, .max = 64, .def = "users.db",
	            .help = "file of the user store, in the data directory", .restart = true),
	SETTING_FLAG("ntlm", struct config, ntlm, .def = "yes",
	             .help = "keep an NT hash of new users' passwords, for NTLM sign-in",
	             .restart = true),
	SETTING_U32("login-life", SET_SECONDS, struct config, logins.life_s, .min = 60,
	            .max = 10 * 365 * 86400, .def = "30 d",
	            .help = "a log-in to the web that is not used for so long ends"),
	SETTING_U32("logins-max", SET_UINT, struct config, logins.max, .min = 1,
	            .max = LOGINS_MAX, .def = "20",
	            .help = "log-ins of one user; one more ends the longest unused"),
	SETTING_FLAG("second-factor", struct config, logins.require_factor, .def = "no",
	             .help = "whoever signs in to the web must have a second factor; "
	                     "user set --second-factor says otherwise for one user"),
	SETTING_END,
};
/* clang-format on */

struct userdb *userdb_open_configured(struct loop *l, const struct topo *t,
                                      const struct topo_role *role, const char *data_dir,
                                      const uint8_t seal_key[SEAL_KEY_LEN], struct buf *why)
{
	struct config cfg;
	auto_(buf_free) struct buf path = buf_of(PATH_LEN_MAX);
	if (topo_settings(t, role, user_settings, &cfg, why) < 0)
		return NULL;
	buf_printf(&path, "%s/%" STR_FMT, data_dir, STR_ARG(cfg.store));
	buf_char(&path, 0);
	if (path.full) {
		buf_lit(why, "The path of the user store is too long.");
		return NULL;
	}
	struct userdb_config c = { .realm = t->realm,
		                   .domains = t->domains,
		                   .n_domains = t->n_domains,
		                   .seal_key = seal_key,
		                   .ntlm = cfg.ntlm,
		                   .logins = cfg.logins };
	return userdb_open(l, path.p, &c, why);
}

int userdb_reload(struct userdb *db, const struct topo *t, const struct topo_role *role,
                  struct buf *why)
{
	struct config cfg;
	int r = topo_settings(t, role, user_settings, &cfg, why);
	if (r < 0)
		return r;
	userdb_set_domains(db, t->domains, t->n_domains);
	userdb_set_logins(db, &cfg.logins);
	return 0;
}
