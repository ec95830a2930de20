/* directory: CPU time and memory of a search in the accounts process.
 *
 * usage: directory [PEOPLE [ROUNDS]]    (100000 and 20)
 *
 * A store of invented people on disk, loaded as the role does; each search is measured with what
 * it takes to answer it: words, index, reading the records found, composing the frames.  The worst
 * of all queries decides; the texts are such that many people share each beginning. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "svc/directory/index.h"
#include "svc/user/phonebook.h"
#include "svc/user/schema.h"

enum { WAITING_MAX = STORE_QUEUE_MAX / 2, ANSWER_MAX = 1024 * 1024, PATH_LEN = 256 };

static const char *const given[] = { "Anna",  "Anton",  "Andreas", "Alice",  "Bob",    "Bernd",
	                             "Carol", "Christ", "David",   "Eva",    "Fatma",  "Georg",
	                             "Ines",  "Jan",    "Julia",   "Karl",   "Lars",   "Maria",
	                             "Nina",  "Otto",   "Petra",   "Quirin", "Sabine", "Zo\u00eb" };
static const char *const part[] = { "an",   "ber", "der",  "er",   "fi",  "hof",  "kel", "ler",
	                            "mann", "na",  "rath", "schu", "ski", "wald", "zim" };
static const char *const department[] = { "Engineering", "Sales",    "Marketing",     "Finance",
	                                  "Support",     "Research", "Administration" };
static const char *const asked[] = { "a",
	                             "b",
	                             "c",
	                             "e",
	                             "4",
	                             "an",
	                             "be",
	                             "anna",
	                             "ber",
	                             "con",
	                             "eng",
	                             "a b",
	                             "a e c",
	                             "b c d e a s r m",
	                             "build berlin contoso eng ger room ltd senior",
	                             "building room contoso berlin",
	                             "anna zimmerski",
	                             "030 1234",
	                             "4930",
	                             "zzz",
	                             "anna.berhof@",
	                             "engineering" };

struct bench {
	struct loop *l;
	struct store *store;
	unsigned waiting, failed;
	uint32_t random;
};

static unsigned pick(struct bench *b, unsigned n)
{
	b->random = b->random * 1664525 + 1013904223;
	return (b->random >> 8) % n;
}

static void on_written(void *arg, int err, int64_t id UNUSED)
{
	struct bench *b = arg;
	b->waiting--;
	b->failed += err != 0;
}

static void add(struct bench *b, unsigned i)
{
	static const char sql[] =
	        "insert into account (id, change, uri, display_name, email, phone, extension,"
	        " department, title, office, company, city, state, country, created_at) values"
	        " ($1, 1, $2, $3, $4, $5, $6, $7, 'Senior Engineer', $8, 'Contoso Ltd', 'Berlin',"
	        " 'Berlin', 'Germany', 1)";
	const char *g = given[pick(b, ARRAY_SIZE(given))];
	char text[6][128], last[64];
	(void)snprintf(last, sizeof(last), "%s%s%s", part[pick(b, ARRAY_SIZE(part))],
	               part[pick(b, ARRAY_SIZE(part))], part[pick(b, ARRAY_SIZE(part))]);
	(void)snprintf(text[0], 128, "%s.%s%u@example.test", g, last, i);
	(void)snprintf(text[1], 128, "%s %s", g, last);
	(void)snprintf(text[2], 128, "%s.%s@mail.example.test", g, last);
	(void)snprintf(text[3], 128, "+4930%07u", i);
	(void)snprintf(text[4], 128, "%u", 100000 + i);
	(void)snprintf(text[5], 128, "Building %u, room %u", i % 40, i % 900);
	struct store_val v[8] = { STORE_I(i + 1) };
	for (unsigned k = 0; k < 5; k++)
		v[1 + k] = STORE_S(str_of(text[k]));
	v[6] = STORE_S(str_of(department[pick(b, ARRAY_SIZE(department))]));
	v[7] = STORE_S(str_of(text[5]));
	struct store_stmt stmt = { sql, v, ARRAY_SIZE(v) };
	if (store_write(b->store, STORE_MUST, &stmt, 1, on_written, b) == 0)
		b->waiting++;
	else
		b->failed++;
}

static int fill(struct bench *b, const char *path, unsigned n, struct buf *why)
{
	b->store = store_open(b->l, path, user_schema, why);
	if (!b->store)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		add(b, i);
		while (b->waiting >= WAITING_MAX)
			loop_turn(b->l, USEC_PER_SEC);
	}
	while (b->waiting > 0)
		loop_turn(b->l, USEC_PER_SEC);
	store_close(&b->store);
	return b->failed ? -1 : 0;
}

static double cpu_ms(void)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double resident_mb(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f && fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		(void)fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void put_person(void *arg, const struct acct_person *p)
{
	acct_put(arg, &(struct acct_msg){ .type = ACCT_PERSON, .id = 1, .person = *p });
}

/* The mean of the rounds. */
static double measure(struct phonebook *people, const char *text, unsigned rounds,
                      struct buf *answer)
{
	struct acct_query q = { .max = ACCT_FOUND_MAX,
		                .n = 1,
		                .rows = { { ACCT_ANY, str_of(text) } } };
	bool more = false;
	int n = 0;
	double before = cpu_ms();
	for (unsigned i = 0; i < rounds; i++) {
		answer->len = 0;
		n = phonebook_search(people, &q, &more, put_person, answer);
	}
	double ms = (cpu_ms() - before) / rounds;
	printf("%-30s %4d%s %8.3f ms\n", text, n, more ? "+" : " ", ms);
	return n < 0 || answer->full ? 1e9 : ms;
}

static int run(struct bench *b, const char *path, unsigned n, unsigned rounds)
{
	static const uint8_t key[SEAL_KEY_LEN];
	static const struct str domain = STR_INIT("example.test");
	struct userdb_config c = {
		.realm = domain, .domains = &domain, .n_domains = 1, .seal_key = key
	};
	auto_(buf_free) struct buf why = buf_of(4096), answer = buf_of(ANSWER_MAX);
	if (fill(b, path, n, &why) < 0)
		return -1;
	struct userdb *db = userdb_open(b->l, path, &c, &why);
	double before = cpu_ms(), memory = resident_mb(), worst = 0;
	struct phonebook *people = db ? phonebook_new(db) : NULL;
	if (!people)
		return -1;
	printf("%zu people loaded in %.0f ms, %.1f MB\n", phonebook_count(people),
	       cpu_ms() - before, resident_mb() - memory);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		double ms = measure(people, asked[i], rounds, &answer);
		worst = MAX(worst, ms);
	}
	before = cpu_ms();
	for (unsigned i = 0; i < rounds * 100; i++)
		phonebook_changed(people, 1 + i % n);
	printf("worst %.3f ms; a change %.3f ms\n", worst, (cpu_ms() - before) / (rounds * 100));
	phonebook_free(&people);
	userdb_close(&db);
	return worst < 1e9 ? 0 : -1;
}

int main(int argc, char **argv)
{
	char dir[] = "/tmp/dialtone-directory-XXXXXX", path[PATH_LEN], more[PATH_LEN];
	uint32_t n = 100000, rounds = 20;
	if ((argc > 1 && str_to_u32(str_of(argv[1]), INDEX_PEOPLE_MAX, &n) < 0) ||
	    (argc > 2 && str_to_u32(str_of(argv[2]), 100000, &rounds) < 0) || n == 0 ||
	    rounds == 0) {
		(void)fputs("usage: directory [PEOPLE [ROUNDS]]\n", stderr);
		return 2;
	}
	if (!mkdtemp(dir)) {
		perror("mkdtemp");
		return 1;
	}
	(void)snprintf(path, sizeof(path), "%s/users.db", dir);
	struct bench b = { .l = loop_new(), .random = 7 };
	int r = run(&b, path, n, rounds);
	loop_free(&b.l);
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", NULL }; *end;
	     end++) {
		(void)snprintf(more, sizeof(more), "%s%s", path, *end);
		(void)unlink(more);
	}
	(void)rmdir(dir);
	return r < 0;
}
