/* Both configuration files, cut at the first NUL: what is read must keep to its limits. */
#include <stdlib.h>

#include "topo/conf.h"
#include "topo/topo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct topo *t, struct buf *errors)
{
	for (size_t i = 0; i < t->n_roles; i++) {
		(void)!topo_add_default_port(t, &t->roles[i], TOPO_TLS, 5061, false, errors);
		(void)!topo_add_metrics_port(t, &t->roles[i], 9464, errors);
		if (t->roles[i].n_listens > TOPO_LISTENS_MAX || !t->roles[i].host)
			abort();
	}
	(void)!topo_check_ports(t, errors);
	if (!t->self || t->n_hosts == 0 || t->data_dir.p[0] != '/')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = { (const char *)data, size }, topology, local;
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	if (!str_cut(all, '\0', &topology, &local))
		local = STR("[local]\n");
	auto_(topo_free) struct topo *t = topo_parse(topology, local, "/etc/dialtone", &errors);
	if (t)
		use(t, &errors);
	else if (errors.len == 0 && !errors.full)
		abort(); /* a refusal without a reason */
	return 0;
}
