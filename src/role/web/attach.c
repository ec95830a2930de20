#include "base/isotime.h"
#include "base/code.h"
#include "role/web/wb.h"
#include "wire/http/target.h"

/* A file in a chat is a text that says where it is, so that every client of whatever kind can show
 * it: what the sender has to say of it, a line with name and size, and one with the address.
 * Browsers are told what is known of the file instead of these two lines. */

#define PATH "/files/"

enum { KILO = 1024 };

static void put_size(struct buf *b, uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB" };
	double n = (double)bytes / KILO;
	size_t u = 0;
	if (bytes < KILO) {
		buf_printf(b, "%llu B", (unsigned long long)bytes);
		return;
	}
	while (n >= KILO && u + 1 < ARRAY_SIZE(units)) {
		n /= KILO;
		u++;
	}
	buf_printf(b, n < 10 ? "%.1f %s" : "%.0f %s", n, units[u]);
}

static void put_path(struct buf *b, const struct file *f)
{
	buf_lit(b, PATH);
	buf_str(b, f->id);
	buf_char(b, '/');
	http_escape(b, f->name);
}

static void put_text(struct buf *b, struct str caption, const struct file *f)
{
	buf_str(b, caption);
	if (caption.len > 0)
		buf_char(b, '\n');
	buf_str(b, f->name);
	buf_lit(b, " (");
	put_size(b, f->size);
	buf_lit(b, ")\nhttps://");
	buf_str(b, f->host);
	put_path(b, f);
}

bool wb_attach_put(const struct session *s, struct buf *b, struct str to, struct str caption,
                   struct str id)
{
	struct file f;
	if (!s->web->kept || !files_find(s->web->kept, id, &f) || f.account != s->who.account ||
	    !str_ieq(f.chat, to))
		return false;
	put_text(b, str_trim(caption), &f);
	return true;
}

/* The last line, which is taken off the text. */
static struct str cut_line(struct str *text)
{
	ssize_t at = str_rchr(*text, '\n');
	struct str line = str_sub(*text, (size_t)(at + 1), text->len);
	*text = str_sub(*text, 0, at < 0 ? 0 : (size_t)at);
	return line;
}

/* "https://HOST/files/ID/NAME" of a host of ours. */
static bool read_address(const struct web *w, struct str line, struct str *ret_id)
{
	struct str rest, authority, host, port, name;
	if (!str_starts(line, STR("https://")))
		return false;
	rest = str_sub(line, strlen("https://"), line.len);
	ssize_t slash = str_find(rest, STR(PATH));
	if (slash <= 0)
		return false;
	authority = str_sub(rest, 0, (size_t)slash);
	rest = str_sub(rest, (size_t)slash + strlen(PATH), rest.len);
	return http_authority_parse(authority, &host, &port) == 0 && web_is_our_host(w, host) &&
	       str_cut(rest, '/', ret_id, &name) && ret_id->len == FILE_ID_LEN;
}

/* "lunch.png (1.2 MB)": the name of one that is not there any more. */
static struct str name_of(struct str line)
{
	ssize_t at = str_rchr(line, '(');
	return str_trim(str_sub(line, 0, at > 0 ? (size_t)at : line.len));
}

bool wb_attach_find(const struct web *w, struct str text, struct attached *ret)
{
	struct str id, address = cut_line(&text);
	if (!w->kept || !read_address(w, address, &id) || text.len == 0)
		return false;
	ret->gone.name = name_of(cut_line(&text));
	ret->caption = text;
	ret->there = files_find(w->kept, id, &ret->file);
	return true;
}

/* Who has the address from elsewhere is told nothing of it here. */
static bool is_of_chat(const struct file *f, struct str from, struct str chat)
{
	return str_ieq(f->owner, from) && (str_ieq(f->chat, chat) || str_ieq(f->owner, chat));
}

void wb_attach_put_json(struct buf *b, const struct attached *a, struct str from, struct str chat)
{
	const struct file *f = &a->file;
	if (!a->there || !is_of_chat(f, from, chat)) {
		buf_lit(b, ",\"file\":{\"gone\":true");
		json_put_member(b, "name", a->gone.name);
		buf_char(b, '}');
		return;
	}
	buf_lit(b, ",\"file\":");
	wb_attach_put_file(b, f);
}

void wb_attach_put_file(struct buf *b, const struct file *f)
{
	auto_(buf_free) struct buf path = buf_of(WEB_PATH_MAX);
	char text[40];
	struct buf at = BUF_ON(text);
	put_path(&path, f);
	isotime_put(&at, f->expires_at / USEC_PER_SEC * USEC_PER_SEC);
	buf_lit(b, "{\"id\":");
	json_put_str(b, f->id);
	json_put_member(b, "name", f->name);
	buf_printf(b, ",\"size\":%llu", (unsigned long long)f->size);
	json_put_member(b, "type", f->type);
	json_put_member(b, "url", buf_view(&path));
	json_put_member(b, "expires_at", buf_view(&at));
	buf_char(b, '}');
}
