#include "wire/sdp/compose.h"

static bool is_line_byte(char c)
{
	return c != '\r' && c != '\n' && c != '\0';
}

static void put_clean(struct buf *b, struct str s)
{
	const char *end = s.len > 0 ? s.p + s.len : s.p;
	for (const char *p = s.p, *q = p; p < end; p = q + 1) {
		for (q = p; q < end && is_line_byte(*q);)
			q++;
		buf_put(b, p, (size_t)(q - p));
		if (q == end)
			return;
	}
}

static void put_line(struct buf *b, char type, struct str value)
{
	buf_char(b, type);
	buf_char(b, '=');
	put_clean(b, value);
	buf_lit(b, "\r\n");
}

/* A new line begins behind one line end: also where the last line that came had none, or had empty
 * lines behind it. */
static void ensure_line_end(struct buf *b, size_t start)
{
	size_t n = b->len;
	while (n > start && !is_line_byte(b->p[n - 1]))
		n--;
	if (n == start)
		return;
	const char *lf = memchr(b->p + n, '\n', b->len - n);
	b->len = lf ? (size_t)(lf + 1 - b->p) : n;
	if (!lf)
		buf_lit(b, "\r\n");
}

static bool is_dropped(const struct sdp_edit *e, struct str line)
{
	for (unsigned i = 0; i < e->n_drop; i++) {
		struct str name, word, line_name, value, first = STR("");
		bool with_word = str_cut(e->drop[i], ':', &name, &word);
		(void)str_cut(line, ':', &line_name, &value);
		(void)sdp_word_next(&value, &first);
		if (str_eq(name, line_name) && (!with_word || str_eq(word, first)))
			return true;
	}
	return false;
}

static void put_media_line(struct buf *b, const struct sdp_media *m, const struct sdp_edit *e)
{
	buf_lit(b, "m=");
	put_clean(b, m->media);
	buf_char(b, ' ');
	buf_dec(b, e->set_port ? e->port : m->port);
	if (!e->set_port && m->n_ports > 1) {
		buf_char(b, '/');
		buf_dec(b, m->n_ports);
	}
	buf_char(b, ' ');
	put_clean(b, e->proto.p ? e->proto : m->proto);
	struct str formats = e->formats.p ? e->formats : m->formats;
	if (formats.len > 0)
		buf_char(b, ' ');
	put_clean(b, formats);
	buf_lit(b, "\r\n");
}

/* One section while it is written. */
struct writer {
	struct buf *b;
	size_t start;
	const struct sdp *s;
	const struct sdp_media *m; /* NULL for the session */
	const struct sdp_edit *e;
	bool connected; /* the new c= line is written */
};

/* c= follows i= (and u=, e=, p= of the session) and stands before b=, t= and everything else (RFC
 * 8866 section 5). */
static bool may_precede_connection(char type)
{
	return memchr("vosiuepm", type, 8) != NULL;
}

static void put_new_connection(struct writer *w)
{
	if (w->connected || !w->e->connection.p)
		return;
	ensure_line_end(w->b, w->start);
	put_line(w->b, 'c', w->e->connection);
	w->connected = true;
}

static void edit_line(struct writer *w, unsigned line)
{
	const struct sdp_line *l = &w->s->lines[line];
	const struct sdp_edit *e = w->e;
	struct str value = sdp_line_value(w->s, l);
	if (!may_precede_connection(l->type))
		put_new_connection(w);
	if (l->type == 'c' && e->connection.p)
		return;
	if (l->type == 'a' && is_dropped(e, value))
		return;
	if (l->type == 'm' && (e->set_port || e->proto.p || e->formats.p)) {
		ensure_line_end(w->b, w->start);
		put_media_line(w->b, w->m, e);
	} else if (l->type == 'o' && e->origin.p) {
		put_line(w->b, 'o', e->origin);
	} else {
		buf_str(w->b, sdp_line_raw(w->s, line));
	}
}

static void put_part(struct writer w, const struct sdp_part *p)
{
	static const struct sdp_edit nothing;
	if (!w.e)
		w.e = &nothing;
	for (unsigned i = 0; i < p->n; i++)
		edit_line(&w, p->first + i);
	put_new_connection(&w);
	if (w.e->add.len > 0) {
		ensure_line_end(w.b, w.start);
		buf_str(w.b, w.e->add);
	}
}

void sdp_put_edited(struct buf *b, const struct sdp *s, const struct sdp_edit *session,
                    const struct sdp_edit *media, unsigned n_media)
{
	struct writer w = { .b = b, .start = b->len, .s = s, .e = session };
	put_part(w, &s->session);
	for (unsigned i = 0; i < s->n_media; i++) {
		w.m = &s->media[i];
		w.e = i < n_media ? &media[i] : NULL;
		put_part(w, &w.m->part);
	}
}

void sdp_put_connection(struct buf *b, struct str address)
{
	if (str_chr(address, ':') >= 0)
		buf_lit(b, "IN IP6 ");
	else
		buf_lit(b, "IN IP4 ");
	put_clean(b, address);
}

void sdp_put_session(struct buf *b, const struct sdp_fresh *f)
{
	buf_lit(b, "v=0\r\no=- ");
	buf_dec(b, f->id);
	buf_char(b, ' ');
	buf_dec(b, f->version);
	buf_char(b, ' ');
	sdp_put_connection(b, f->address);
	buf_lit(b, "\r\n");
	put_line(b, 's', f->name.len > 0 ? f->name : STR("-"));
	buf_lit(b, "c=");
	sdp_put_connection(b, f->address);
	buf_lit(b, "\r\nt=0 0\r\n");
}

void sdp_put_media(struct buf *b, struct str media, uint16_t port, struct str proto,
                   struct str formats)
{
	struct sdp_media m = {
		.media = media, .port = port, .proto = proto, .formats = formats, .n_ports = 1
	};
	put_media_line(b, &m, &(struct sdp_edit){ 0 });
}

void sdp_put_attr(struct buf *b, struct str name, struct str value)
{
	buf_lit(b, "a=");
	put_clean(b, name);
	if (value.p) {
		buf_char(b, ':');
		put_clean(b, value);
	}
	buf_lit(b, "\r\n");
}

void sdp_put_rtpmap(struct buf *b, const struct sdp_rtpmap *m)
{
	buf_lit(b, "a=rtpmap:");
	buf_dec(b, m->type);
	buf_char(b, ' ');
	put_clean(b, m->encoding);
	buf_char(b, '/');
	buf_dec(b, m->rate);
	if (m->params.len > 0) {
		buf_char(b, '/');
		put_clean(b, m->params);
	}
	buf_lit(b, "\r\n");
}

/* A blank and the word. */
static void put_word(struct buf *b, struct str s)
{
	buf_char(b, ' ');
	put_clean(b, s);
}

static void put_number(struct buf *b, uint64_t v)
{
	buf_char(b, ' ');
	buf_dec(b, v);
}

void sdp_put_crypto(struct buf *b, const struct sdp_crypto *c)
{
	buf_lit(b, "a=crypto:");
	buf_dec(b, c->tag);
	put_word(b, c->suite);
	put_word(b, c->keys);
	if (c->params.len > 0)
		put_word(b, c->params);
	buf_lit(b, "\r\n");
}

void sdp_put_candidate(struct buf *b, const struct sdp_candidate *c)
{
	buf_lit(b, "a=candidate:");
	put_clean(b, c->foundation);
	put_number(b, c->component);
	if (c->draft6)
		put_word(b, c->password);
	put_word(b, c->transport_name);
	if (c->draft6)
		put_word(b, c->preference);
	else
		put_number(b, c->priority);
	put_word(b, c->address);
	put_number(b, c->port);
	if (!c->draft6) {
		buf_lit(b, " typ");
		put_word(b, c->type_name);
		if (c->ext.len > 0)
			put_word(b, c->ext);
	}
	buf_lit(b, "\r\n");
}

void sdp_put_fingerprint(struct buf *b, const struct sdp_fingerprint *f)
{
	buf_lit(b, "a=fingerprint:");
	put_clean(b, f->hash);
	for (unsigned i = 0; i < f->len; i++)
		buf_printf(b, "%c%02X", i == 0 ? ' ' : ':', f->bytes[i]);
	buf_lit(b, "\r\n");
}
