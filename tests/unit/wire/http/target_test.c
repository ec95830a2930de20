#include "wire/http/target.h"

#include <errno.h>

#include "tap.h"

/* Into static memory; NULL if it was refused. */
static const char *decoded(int (*fn)(struct buf *b, struct str s), struct str s)
{
	static char text[256];
	struct buf b = BUF_ON(text);
	if (fn(&b, s) < 0)
		return NULL;
	text[b.len] = '\0';
	return text;
}

static const char *path(const char *s)
{
	const char *r = decoded(http_path_decode, str_of(s));
	return r ? r : "refused";
}

static const char *value(const char *s)
{
	const char *r = decoded(http_query_decode, str_of(s));
	return r ? r : "refused";
}

static void paths_lose_their_escapes(void)
{
	EQ_STR(str_of(path("/a%20b/%c3%A4/c")), "/a b/\xc3\xa4/c");
	EQ_STR(str_of(path("/a+b/..c/.d/...")), "/a+b/..c/.d/...");
	EQ_STR(str_of(path("/")), "/");
}

static void no_path_leads_up(void)
{
	static const char *const t[] = {
		"/..",     "/../x",  "/a/..",   "/a/./b", "/%2e%2e/x", "/.%2E", "/a%2fb",
		"/a%2F..", "/%5c..", "/a%00",   "/a%0a",  "/a%7f",     "/%",    "/%4",
		"/%4g",    "/%c3",   "/%c0%ae", "/.",     "/%e4",      "/\x01",
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (!OK(strcmp(path(t[i]), "refused") == 0))
			(void)fprintf(stderr, "# %s\n", t[i]);
}

static void queries_are_taken_apart(void)
{
	struct str rest = STR("a=1&&b&c=&d=x=y&"), n, v;
	OK(http_query_next(&rest, &n, &v));
	EQ_STR(n, "a");
	EQ_STR(v, "1");
	OK(http_query_next(&rest, &n, &v));
	EQ_STR(n, "b");
	OK(v.p == NULL);
	OK(http_query_next(&rest, &n, &v));
	EQ_STR(n, "c");
	OK(v.p != NULL && v.len == 0);
	OK(http_query_next(&rest, &n, &v));
	EQ_STR(v, "x=y");
	OK(!http_query_next(&rest, &n, &v));
	OK(http_query_param(STR("x=1&sip%75ri=a%40b&sipuri=c"), STR("sipuri"), &v));
	EQ_STR(v, "a%40b");
	OK(!http_query_param(STR("x=1"), STR("y"), &v));
	EQ_STR(str_of(value("a%40b+c%2b")), "a@b c+");
	EQ_STR(str_of(value("%00")), "refused");
	EQ_STR(str_of(value("%ff")), "refused");
	EQ_STR(str_of(value("%f")), "refused");
}

static void what_is_escaped_comes_back(void)
{
	char text[64];
	struct buf b = BUF_ON(text);
	http_escape(&b, STR("sip:a b@\xc3\xa4~-._/"));
	EQ_STR(buf_view(&b), "sip%3Aa%20b%40%C3%A4~-._%2F");
	text[b.len] = '\0';
	EQ_STR(str_of(value(text)), "sip:a b@\xc3\xa4~-._/");
}

int main(void)
{
	RUN(paths_lose_their_escapes);
	RUN(no_path_leads_up);
	RUN(queries_are_taken_apart);
	RUN(what_is_escaped_comes_back);
	return tap_done();
}
