/* dialtone: the command line tool. */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/args.h"
#include "ctl/grammar.h"
#include "ctl/print.h"
#include "ctl/remote.h"
#include "daemon/config.h"

static const char default_config_dir[] = "/etc/dialtone";

struct invocation {
	struct tool tool;
	char **words; /* what is left without the tool's own options */
	int n_words;
	bool help, version;
};

static int usage(const char *text)
{
	(void)fprintf(stderr, "dialtone: %s\n", text);
	return EXIT_USAGE;
}

/* --config DIR, --config=DIR, --json, --help and --version may stand anywhere before "--".
 * Returns how many words the option took; 0: it is not one of ours; -1: it lacks its value. */
static int own_option(struct invocation *in, char **argv, int left)
{
	struct str word = str_of(argv[0]);
	if (str_eq(word, STR("--json")))
		in->tool.json = true;
	else if (str_eq(word, STR("--help")) || str_eq(word, STR("-h")))
		in->help = true;
	else if (str_eq(word, STR("--version")))
		in->version = true;
	else if (str_starts(word, STR("--config=")))
		in->tool.config_dir = argv[0] + strlen("--config=");
	else if (!str_eq(word, STR("--config")))
		return 0;
	else if (left < 2)
		return -1;
	else
		in->tool.config_dir = argv[1];
	return str_eq(word, STR("--config")) ? 2 : 1;
}

static int sort_words(struct invocation *in, int argc, char **argv)
{
	bool over = false;
	for (int i = 1; i < argc;) {
		over = over || strcmp(argv[i], "--") == 0;
		int used = over ? 0 : own_option(in, argv + i, argc - i);
		if (used < 0)
			return usage("--config needs a directory.");
		if (used == 0)
			in->words[in->n_words++] = argv[i++];
		i += used;
	}
	return 0;
}

static int show_help(const struct invocation *in, int first)
{
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	struct str noun = str_of(in->n_words > first ? in->words[first] : "");
	struct str verb = str_of(in->n_words > first + 1 ? in->words[first + 1] : "");
	if (grammar_help(&b, noun, verb) < 0 && grammar_help(&b, noun, STR("")) < 0) {
		(void)grammar_find(in->n_words - first, in->words + first, &(int){ 0 }, &b);
		buf_char(&b, '\0');
		return usage(b.p);
	}
	(void)fwrite(b.p, 1, b.len, stdout);
	return EXIT_FINE;
}

static int run_verb(struct invocation *in, const struct verb *v, int used)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	cJSON *args = NULL;
	if (args_parse(&args, &v->cmd, in->n_words - used, in->words + used, &why) < 0) {
		buf_lit(&why, "\nusage: dialtone ");
		args_put_usage(&why, &v->cmd);
		buf_char(&why, '\0');
		return usage(why.p);
	}
	return remote_do(&in->tool, v, args);
}

static int run(struct invocation *in)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	int used = 0;
	if (in->version) {
		(void)puts("dialtone " DIALTONE_VERSION);
		return EXIT_FINE;
	}
	bool asks = in->n_words > 0 && strcmp(in->words[0], "help") == 0;
	if (in->n_words == 0 || in->help || asks)
		return show_help(in, asks ? 1 : 0);
	const struct verb *v = grammar_find(in->n_words, in->words, &used, &why);
	if (v)
		return run_verb(in, v, used);
	buf_char(&why, '\0');
	return usage(why.p);
}

int main(int argc, char **argv)
{
	struct invocation in = { .words = xcalloc((size_t)argc + 1, sizeof(char *)) };
	const char *env = getenv("DIALTONE_CONFIG");
	in.tool.config_dir = env && *env ? env : default_config_dir;
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		(void)setlocale(LC_CTYPE, "C.UTF-8");
	int r = sort_words(&in, argc, argv);
	char *absolute = realpath(in.tool.config_dir, NULL);
	if (absolute)
		in.tool.config_dir = absolute;
	if (r == 0)
		r = run(&in);
	if (fflush(stdout) != 0 && r == EXIT_FINE)
		r = tool_fail("The output could not be written: %s.", strerror(errno));
	config_free(&in.tool.config);
	free(in.tool.run_dir);
	free(absolute);
	free(in.words);
	return r;
}
