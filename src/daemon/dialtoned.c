#include "daemon/dialtoned.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/child.h"
#include "daemon/manual.h"
#include "daemon/material.h"
#include "daemon/supervisor.h"
#include "daemon/topo_json.h"

enum { ERRORS_MAX = 64 * 1024, JSON_MAX = 4 * 1024 * 1024, EXIT_USAGE = 2 };

struct options {
	const char *config;
	bool check, json, settings, role, help, version;
};

static const char usage[] =
        "usage: dialtoned [--config DIR] [--foreground]\n"
        "       dialtoned [--config DIR] --check [--json]\n"
        "       dialtoned --print-settings | --version | --help\n"
        "\n"
        "  --config DIR      where topology.conf and local.conf are (/etc/dialtone)\n"
        "  --foreground      stay in the foreground (it always does; for clarity)\n"
        "  --check           check the configuration and certificates, start nothing\n"
        "  --json            with --check: print the configuration as JSON\n"
        "  --print-settings  print the settings section of the manual page dialtone.conf(5)\n";

static int parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "check", no_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'j' },
		{ "print-settings", no_argument, NULL, 's' },
		{ "role", required_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;
	*o = (struct options){ .config = "/etc/dialtone" };
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		o->config = opt == 'c' ? optarg : o->config;
		o->check |= opt == 'k';
		o->json |= opt == 'j';
		o->settings |= opt == 's';
		o->role |= opt == 'r';
		o->version |= opt == 'v';
		o->help |= opt == 'h';
		if (opt == '?')
			return -1;
	}
	if (optind == argc)
		return 0;
	(void)fprintf(stderr,
	              "dialtoned: \"%s\" is not understood; accounts and all else are the "
	              "business of dialtone(1)\n",
	              argv[optind]);
	return -1;
}

static void print_lines(FILE *f, const char *prefix, struct str lines)
{
	struct str line;
	while (lines.len > 0) {
		(void)str_cut(lines, '\n', &line, &lines);
		(void)fprintf(f, "%s%" STR_FMT "\n", prefix, STR_ARG(line));
	}
}

static int check(const struct options *o, const struct role *const *roles)
{
	auto_(buf_free) struct buf why = buf_of(ERRORS_MAX), json = buf_of(JSON_MAX);
	auto_(material_free) struct material *m = material_load(o->config, roles, 1, &why);
	if (!m) {
		print_lines(stderr, "", buf_view(&why));
		return EXIT_FAILURE;
	}
	if (o->json)
		topo_json_all(&json, m->config->topo);
	else
		buf_lit(&json, "The configuration is in order.");
	print_lines(stdout, "", buf_view(&json));
	return EXIT_SUCCESS;
}

static int run(const struct options *o, const struct role *const *roles)
{
	auto_(buf_free) struct buf why = buf_of(ERRORS_MAX);
	log_setup(2, "dialtoned", LOG_INFO);
	auto_(supervisor_free) struct supervisor *s = supervisor_new(o->config, roles, &why);
	if (!s) {
		print_lines(stderr, "dialtoned: ", buf_view(&why));
		return EXIT_FAILURE;
	}
	return supervisor_run(s);
}

static int print_settings(const struct role *const *roles)
{
	auto_(buf_free) struct buf b = buf_of(JSON_MAX);
	manual_put_settings(&b, roles);
	(void)fwrite(b.p, 1, b.len, stdout);
	return EXIT_SUCCESS;
}

int dialtoned_main(int argc, char **argv, const struct role *const *roles)
{
	struct options o;
	if (parse(argc, argv, &o) < 0) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (o.role)
		return child_main(roles);
	if (o.help || o.version) {
		(void)fputs(o.help ? usage : "dialtoned " DIALTONE_VERSION "\n", stdout);
		return EXIT_SUCCESS;
	}
	if (o.settings)
		return print_settings(roles);
	return o.check ? check(&o, roles) : run(&o, roles);
}
