#include "svc/oidc/settings.h"

#include <errno.h>
#include <sys/stat.h>

#include "topo/setting_file.h"
#include "wire/http/url.h"

/* clang-format off */
const struct setting oidc_table[] = {
	SETTING_STR("oidc-issuer", struct oidc_settings, issuer, .max = 1000, .def = "",
	            .help = "address of the company's OpenID provider (\"https://login.example.com\"), "
	                    "with which people may sign in to the web; empty: there is none"),
	SETTING_STR("oidc-client-id", struct oidc_settings, client, .max = 255, .def = "",
	            .help = "what the provider calls this server"),
	SETTING_STR("oidc-secret-file", struct oidc_settings, secret_file, .max = SETTING_PATH_MAX,
	            .def = "", .help = "file with the secret that the provider gave this server, which "
	                    "the account of the roles alone can read; empty: it gave none"),
	SETTING_ENUM("oidc-claim", struct oidc_settings, claim, .choices = "email preferred_username",
	             .def = "email", .help = "what the provider says of a person that names the account"),
	SETTING_STR("oidc-name", struct oidc_settings, name, .max = OIDC_NAME_MAX, .def = "",
	            .absent = "the provider's host",
	            .help = "what the button says that leads there: \"Sign in with ...\""),
	SETTING_STR("oidc-ca-file", struct oidc_settings, ca_file, .max = SETTING_PATH_MAX, .def = "",
	            .absent = "the system's certificates",
	            .help = "file with the certificates of the CA that the provider's is of"),
	SETTING_END
};
/* clang-format on */

/* --- what belongs together ------------------------------------------------------------------- */

static bool is_path(struct str s)
{
	return s.len == 0 || s.p[0] == '/';
}

/* Discovery, section 3: no query, no fragment. */
static bool is_issuer(struct str s)
{
	struct http_url u;
	return http_url_parse(&u, s) == 0 && !u.query.p;
}

int oidc_settings_read(struct oidc_settings *ret, const struct topo *t, const struct topo_role *r,
                       struct buf *why)
{
	struct oidc_settings s;
	struct http_url u;
	int err = topo_settings(t, r, oidc_table, &s, why);
	if (err < 0)
		return err;
	size_t before = why->len;
	if (s.issuer.len > 0 && !is_issuer(s.issuer))
		buf_lit(why, "oidc-issuer is no https URL, or has a query; it is what the provider "
		             "calls its issuer\n");
	if (s.issuer.len > 0 && s.client.len == 0)
		buf_lit(why,
		        "oidc-issuer needs oidc-client-id: what the provider calls this server\n");
	if (s.issuer.len == 0 && (s.client.len > 0 || s.secret_file.len > 0))
		buf_lit(why,
		        "oidc-client-id and oidc-secret-file do nothing without oidc-issuer\n");
	if (!is_path(s.secret_file) || !is_path(s.ca_file))
		buf_lit(why, "oidc-secret-file and oidc-ca-file are paths that begin with /\n");
	if (why->len > before)
		return -EINVAL;
	if (s.issuer.len > 0 && s.name.len == 0 && http_url_parse(&u, s.issuer) == 0)
		s.name = str_sub(u.host, 0, OIDC_NAME_MAX);
	*ret = s;
	return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

static int tell(int err, const char *key, struct str path, struct buf *why)
{
	if (err == -EPERM)
		buf_printf(why, "%s: others may read %" STR_FMT "; chmod 0640 it\n", key,
		           STR_ARG(path));
	else if (err < 0)
		buf_printf(why, "%s: %" STR_FMT ": %s%s\n", key, STR_ARG(path),
		           err == -EBADMSG ? "it is no file" : strerror(-err),
		           err == -EACCES ? "; the account of the roles must be able to read it"
		                          : "");
	return err;
}

int oidc_settings_secret(const struct oidc_settings *s, struct buf *ret, struct buf *why)
{
	auto_(buf_free) struct buf text = buf_of(OIDC_SECRET_MAX + 2);
	if (s->secret_file.len == 0)
		return 0;
	int r = setting_read_file(s->secret_file, OIDC_SECRET_MAX, S_IRWXO, &text);
	struct str secret = str_trim(buf_view(&text));
	if (r == 0 && (secret.len == 0 || memchr(secret.p, 0, secret.len)))
		r = -EINVAL;
	if (r == 0)
		buf_str(ret, secret);
	wipe(text.p, text.len);
	return tell(r, "oidc-secret-file", s->secret_file, why);
}

int oidc_settings_ca(const struct oidc_settings *s, struct buf *ret, struct buf *why)
{
	if (s->ca_file.len == 0)
		return 0;
	return tell(setting_read_file(s->ca_file, OIDC_CA_MAX, 0, ret), "oidc-ca-file", s->ca_file,
	            why);
}
