#include "svc/relay/ports.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop/udp.h"
#include "svc/relay/live.h"
#include "tap.h"

enum { PORTS = 8 };

/* Below the ports that the kernel gives out, and others for each process. */
static uint16_t first_port(void)
{
	return (uint16_t)(16000 + getpid() % 200 * 2 * PORTS);
}

/* As another process of the edge sees it too. */
static uint8_t live[RELAY_LIVE_LEN];

/* Of process 1 or 2 of two. */
static struct relay_ports *ports_of_slot(uint32_t slot, bool with_ipv6)
{
	struct relay_address at[2] = { 0 };
	EQ(addr_parse(&at[0].local, STR("127.0.0.1"), 0), 0);
	EQ(addr_parse(&at[0].external, STR("192.0.2.1"), 0), 0);
	if (with_ipv6)
		EQ(addr_parse(&at[1].local, STR("::1"), 0), 0);
	at[1].external = at[1].local;
	uint16_t first = (uint16_t)(first_port() + slot * PORTS);
	struct relay_port_range range = { first, (uint16_t)(first + PORTS - 1), slot, 2 };
	return relay_ports_new(at, &range, live);
}

static struct relay_ports *ports_of(bool with_ipv6)
{
	return ports_of_slot(0, with_ipv6);
}

static void shut(struct relay_ports *p, struct relay_opened *o)
{
	(void)close(o->fd);
	relay_ports_closed(p, &o->external);
}

static struct addr after(const struct relay_opened *o)
{
	struct addr next = o->external;
	addr_set_port(&next, (uint16_t)(addr_port(&next) + 1));
	return next;
}

static void every_port_is_given_once_and_again_when_it_is_free(void)
{
	struct relay_ports *p = ports_of(false);
	struct relay_want want = { .family = AF_INET };
	struct relay_opened o[PORTS + 1];
	unsigned seen = 0;
	for (int i = 0; i < PORTS; i++) {
		if (!OK(relay_ports_open(p, &want, &o[i]) == 0))
			return;
		unsigned at = addr_port(&o[i].external) - first_port();
		OK(at < PORTS && !(seen >> at & 1));
		seen |= 1u << at;
	}
	EQ(relay_ports_taken(p), PORTS);
	EQ(relay_ports_open(p, &want, &o[PORTS]), -EADDRINUSE);
	shut(p, &o[3]);
	EQ(relay_ports_open(p, &want, &o[3]), 0);
	for (int i = 0; i < PORTS; i++)
		shut(p, &o[i]);
	EQ(relay_ports_taken(p), 0);
	relay_ports_free(&p);
}

static void clients_are_told_the_external_address(void)
{
	struct relay_ports *p = ports_of(false);
	struct relay_want want = { .family = AF_INET };
	struct relay_opened o;
	struct addr host;
	EQ(addr_parse(&host, STR("192.0.2.1"), 0), 0);
	EQ(relay_ports_open(p, &want, &o), 0);
	OK(addr_eq_host(&o.external, &host));
	shut(p, &o);
	relay_ports_free(&p);
}

static void an_even_port_and_the_next_one(void)
{
	struct relay_ports *p = ports_of(false);
	struct relay_want want = { .family = AF_INET, .even = true, .pair = true };
	struct relay_opened o[PORTS / 2 + 1];
	int n = 0;
	while (n <= PORTS / 2 && relay_ports_open(p, &want, &o[n]) == 0) {
		EQ(addr_port(&o[n].external) % 2, 0);
		n++;
	}
	OK(n >= PORTS / 2 - 1 && n <= PORTS / 2);
	while (n-- > 0) {
		struct addr next = after(&o[n]);
		shut(p, &o[n]);
		relay_ports_unkeep(p, &next);
	}
	EQ(relay_ports_taken(p), 0);
	relay_ports_free(&p);
}

static void what_is_live_is_known_to_all_processes_and_a_new_one_has_none(void)
{
	struct relay_ports *p = ports_of_slot(0, false), *other = ports_of_slot(1, false);
	struct relay_want want = { .family = AF_INET };
	struct relay_opened o, theirs;
	EQ(relay_ports_open(p, &want, &o), 0);
	EQ(relay_ports_open(other, &want, &theirs), 0);
	OK(relay_ports_is_live(other, &o.external, false));
	(void)close(o.fd); /* killed */
	relay_ports_free(&p);
	p = ports_of_slot(0, false);
	OK(!relay_ports_is_live(p, &o.external, false));
	OK(relay_ports_is_live(p, &theirs.external, false));
	shut(other, &theirs);
	OK(!relay_ports_is_live(p, &theirs.external, false));
	live[first_port()] = 3; /* of a third process, of which there is none any more */
	relay_ports_free(&p);
	p = ports_of_slot(0, false);
	EQ(live[first_port()], 0);
	relay_ports_free(&p);
	relay_ports_free(&other);
}

/* Both ways: the client with the token may come to either process. */
static void a_kept_port_is_opened_by_any_process_once(void)
{
	struct relay_ports *p = ports_of_slot(0, false), *other = ports_of_slot(1, false);
	for (int i = 0; i < 2; i++) {
		struct relay_ports *opener = i ? other : p;
		struct relay_want want = { .family = AF_INET, .even = true, .pair = true };
		struct relay_opened o, next, again;
		if (!OK(relay_ports_open(p, &want, &o) == 0))
			break;
		struct addr kept = after(&o);
		OK(!relay_ports_is_live(p, &kept, false));
		want = (struct relay_want){ .family = AF_INET, .exactly = addr_port(&kept) };
		EQ(relay_ports_open(opener, &want, &next), 0);
		EQ(addr_port(&next.external), addr_port(&kept));
		EQ(relay_ports_open(opener, &want, &again), -EADDRINUSE);
		relay_ports_unkeep(p, &kept); /* its time is over */
		OK(relay_ports_is_live(p, &kept, false));
		shut(opener, &next);
		shut(p, &o);
		EQ(relay_ports_taken(p), 0);
		EQ(relay_ports_taken(other), 0);
	}
	relay_ports_free(&p);
	relay_ports_free(&other);
}

static void the_table_of_a_file_is_shared(void)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/tmp/dialtone-live-%d", (int)getpid());
	uint8_t *a = relay_live_open(path), *b = relay_live_open(path);
	if (!OK(a && b))
		return;
	/* A full disk is told of at the start, not by a signal when a port is taken. */
	struct stat st;
	EQ(stat(path, &st), 0);
	OK(st.st_size == RELAY_LIVE_LEN && st.st_blocks * 512 >= RELAY_LIVE_LEN);
	a[RELAY_LIVE_LEN - 1] = 1;
	EQ(b[RELAY_LIVE_LEN - 1], 1);
	relay_live_close(&a);
	relay_live_close(&b);
	(void)unlink(path);
	OK(!relay_live_open("/nowhere/at/all"));
}

static void a_family_without_an_address_is_said(void)
{
	struct relay_ports *p = ports_of(false), *both = ports_of(true);
	struct relay_want want = { .family = AF_INET6 };
	struct relay_opened o;
	EQ(relay_ports_open(p, &want, &o), -EAFNOSUPPORT);
	EQ(relay_ports_open(both, &want, &o), 0);
	EQ(o.external.sa.sa_family, AF_INET6);
	shut(both, &o);
	relay_ports_free(&p);
	relay_ports_free(&both);
}

static void a_port_of_another_program_is_passed_over(void)
{
	struct relay_ports *p = ports_of(false);
	struct relay_want want = { .family = AF_INET };
	struct relay_opened o[PORTS];
	struct addr a;
	int n = 0;
	EQ(addr_parse(&a, STR("127.0.0.1"), (uint16_t)(first_port() + 2)), 0);
	int fd = udp_bind(&a);
	OK(fd >= 0);
	while (n < PORTS && relay_ports_open(p, &want, &o[n]) == 0)
		OK(addr_port(&o[n++].external) != first_port() + 2);
	EQ(n, PORTS - 1);
	while (n-- > 0)
		shut(p, &o[n]);
	(void)close(fd);
	relay_ports_free(&p);
}

int main(void)
{
	RUN(every_port_is_given_once_and_again_when_it_is_free);
	RUN(clients_are_told_the_external_address);
	RUN(an_even_port_and_the_next_one);
	RUN(what_is_live_is_known_to_all_processes_and_a_new_one_has_none);
	RUN(a_kept_port_is_opened_by_any_process_once);
	RUN(the_table_of_a_file_is_shared);
	RUN(a_family_without_an_address_is_said);
	RUN(a_port_of_another_program_is_passed_over);
	return tap_done();
}
