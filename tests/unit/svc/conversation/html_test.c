#include "svc/conversation/html.h"

#include <time.h>

#include "tap.h"

static const struct {
	const char *html, *plain;
} rows[] = {
	{ "a & b &bogus; &#xFFFFFFFF; &#xD800; <unclosed",
	  "a & b &bogus; &#xFFFFFFFF; \xef\xbf\xbd" },
	{ "<break>one</divide>two<br>three", "onetwo\nthree" },
	{ "one<div>two</div>three<p>four</p><p>five</p>", "one\ntwo\nthree\nfour\nfive" },
	{ "<ul><li>a</li><li>b</li></ul>c", "a\nb\nc" },
	{ "a<br><br/>b<BR />", "a\n\nb\n" },
	{ "  a \r\n\t b  ", "a b" },
	{ "a&nbsp;&nbsp;b", "a  b" },
	{ "<pre>a  b\n c</pre>d", "a  b\n c\nd" },
	{ "<script>alert('</p>')</script>x<style>p{}</style>y<title>t</title>", "xy" },
	{ "x<script>never ends <b>", "x" },
	{ "<SCRIPT type='a>b'>x</SCRIPT >y", "y" },
	{ "a<!-- <b> -- > -->b<!-->c", "ab" },
	{ "<!DOCTYPE html><?xml x?><html><body>a</body></html>", "a" },
	{ "<b title=\"a > b\">x</b>", "x" },
	{ "<b title=\"a>x</b>y", "xy" },
	{ "I <3 you, 1 < 2 <", "I <3 you, 1 < 2 <" },
	{ "&euro;&auml;&Auml;&szlig;&yuml;&hellip;&#128;&#x99;&#39;&apos;",
	  "\xe2\x82\xac\xc3\xa4\xc3\x84\xc3\x9f\xc3\xbf\xe2\x80\xa6\xe2\x82\xac\xe2\x84\xa2''" },
	{ "&lt;script&gt;", "<script>" },
	{ "&amp;lt;", "&lt;" },
	{ "<a href=\"https://x.test/?a=1&amp;b=2\">here</a>.", "here (https://x.test/?a=1&b=2)." },
	{ "<a href='http://x.test/'>http://x.test/</a>", "http://x.test/" },
	{ "<a href=\"javascript:alert(1)\">click</a>", "click" },
	{ "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc" },
	{ "a\001\033[31mb&#7;", "a[31mb" },
	{ "", "" },
};

static void html_becomes_what_a_person_reads(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char out[512];
		struct buf b = BUF_ON(out);
		html_put_plain(&b, str_of(rows[i].html));
		EQ_STR(buf_view(&b), rows[i].plain);
	}
}

/* 256 kB of each would take minutes if it were read again from each of its bytes. */
static void nothing_takes_long(void)
{
	static const char *const parts[] = { "<",
		                             "<a ",
		                             "<a \">",
		                             "<a x=\">",
		                             "<!--",
		                             "<script>",
		                             "</",
		                             "&",
		                             "&#",
		                             "<p>",
		                             "<a href=\"http://x\">",
		                             "<script><",
		                             "<style></style" };
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		auto_(buf_free) struct buf in = buf_of(1 << 20), out = buf_of(1 << 20);
		while (in.len < 256 * 1024)
			buf_str(&in, str_of(parts[i]));
		clock_t before = clock();
		html_put_plain(&out, buf_view(&in));
		OK(clock() - before < 5 * CLOCKS_PER_SEC);
		OK(out.len <= in.len);
	}
}

int main(void)
{
	RUN(html_becomes_what_a_person_reads);
	RUN(nothing_takes_long);
	return tap_done();
}
