#include "wire/sip/msg.h"

/* The fields that every layer reads.  A message is looked at by one thread, and what is kept
 * follows from its bytes alone: to fill it in does not change the message. */

static struct sip_parts *parts_of(const struct sip_msg *m)
{
	return (struct sip_parts *)(uintptr_t)&m->parts;
}

/* True if the part has to be read now. */
static bool is_new(const struct sip_msg *m, unsigned part)
{
	struct sip_msg *msg = (struct sip_msg *)(uintptr_t)m;
	if (m->parts_read & part)
		return false;
	msg->parts_read |= (uint8_t)part;
	return true;
}

static void is_good(const struct sip_msg *m, unsigned part, int r)
{
	struct sip_msg *msg = (struct sip_msg *)(uintptr_t)m;
	if (r >= 0)
		msg->parts_good |= (uint8_t)part;
}

const struct sip_addr *sip_from(const struct sip_msg *m)
{
	struct sip_parts *p = parts_of(m);
	if (is_new(m, SIP_PART_FROM))
		is_good(m, SIP_PART_FROM, sip_addr_parse(&p->from, sip_value(m, SIP_H_FROM)));
	return m->parts_good & SIP_PART_FROM ? &p->from : NULL;
}

const struct sip_addr *sip_to(const struct sip_msg *m)
{
	struct sip_parts *p = parts_of(m);
	if (is_new(m, SIP_PART_TO))
		is_good(m, SIP_PART_TO, sip_addr_parse(&p->to, sip_value(m, SIP_H_TO)));
	return m->parts_good & SIP_PART_TO ? &p->to : NULL;
}

const struct sip_uri *sip_from_uri(const struct sip_msg *m)
{
	const struct sip_addr *a = sip_from(m);
	struct sip_parts *p = parts_of(m);
	if (a && is_new(m, SIP_PART_FROM_URI))
		is_good(m, SIP_PART_FROM_URI, sip_uri_parse(&p->from_uri, a->uri));
	return m->parts_good & SIP_PART_FROM_URI ? &p->from_uri : NULL;
}

const struct sip_uri *sip_to_uri(const struct sip_msg *m)
{
	const struct sip_addr *a = sip_to(m);
	struct sip_parts *p = parts_of(m);
	if (a && is_new(m, SIP_PART_TO_URI))
		is_good(m, SIP_PART_TO_URI, sip_uri_parse(&p->to_uri, a->uri));
	return m->parts_good & SIP_PART_TO_URI ? &p->to_uri : NULL;
}

const struct sip_via *sip_top_via(const struct sip_msg *m)
{
	struct sip_parts *p = parts_of(m);
	if (is_new(m, SIP_PART_VIA)) {
		struct str rest = sip_value(m, SIP_H_VIA);
		is_good(m, SIP_PART_VIA, sip_via_next(&rest, &p->via) > 0 ? 0 : -1);
	}
	return m->parts_good & SIP_PART_VIA ? &p->via : NULL;
}

const struct sip_addr *sip_contact(const struct sip_msg *m)
{
	struct sip_parts *p = parts_of(m);
	if (is_new(m, SIP_PART_CONTACT)) {
		struct str rest = sip_value(m, SIP_H_CONTACT);
		is_good(m, SIP_PART_CONTACT, sip_addr_next(&rest, &p->contact) > 0 ? 0 : -1);
	}
	return m->parts_good & SIP_PART_CONTACT ? &p->contact : NULL;
}

struct str sip_list_behind(struct str list, struct str value)
{
	const char *end = value.p + value.len;
	struct str rest = str_trim(str_n(end, (size_t)(list.p + list.len - end)));
	return rest.len > 0 && rest.p[0] == ',' ? str_trim(str_sub(rest, 1, rest.len)) : rest;
}

static int first_contact(const struct sip_msg *m, struct sip_contacts *it, struct sip_addr *ret)
{
	const struct sip_addr *a = sip_contact(m);
	it->begun = true;
	it->h = sip_first(m, SIP_H_CONTACT);
	it->rest = sip_value(m, SIP_H_CONTACT);
	if (!a)
		return 0;
	it->rest = sip_list_behind(it->rest, a->all);
	*ret = *a;
	return 1;
}

int sip_contact_next(const struct sip_msg *m, struct sip_contacts *it, struct sip_addr *ret)
{
	int r;
	if (!it->begun && first_contact(m, it, ret) > 0)
		return 1;
	while (it->h) {
		if ((r = sip_addr_next(&it->rest, ret)) != 0)
			return r;
		it->h = sip_next(m, it->h);
		if (it->h)
			it->rest = sip_hdr_value(m, it->h);
	}
	return 0;
}
