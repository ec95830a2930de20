#include "place.h"

static bool on_opened(void *arg, struct sip_flow *f)
{
	struct place *p = arg;
	p->opened = f;
	return access_opened(p->access, f);
}

static void on_message(void *arg UNUSED, struct sip_flow *f UNUSED, struct sip_msg *m UNUSED)
{
}

static void on_closed(void *arg, struct sip_flow *f, const char *why UNUSED)
{
	struct place *p = arg;
	p->n_closed++;
	access_closed(p->access, f);
}

static void on_accounts(void *arg UNUSED, enum accounts_event ev UNUSED, uint64_t account UNUSED,
                        uint64_t credential UNUSED)
{
}

static int bound(int type, struct addr *ret_at)
{
	socklen_t len = sizeof(ret_at->in4);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	OK(addr_parse(ret_at, STR("127.0.0.1"), 0) == 0);
	OK(bind(fd, &ret_at->sa, len) == 0);
	OK(type == SOCK_DGRAM || listen(fd, 16) == 0);
	OK(getsockname(fd, &ret_at->sa, &len) == 0);
	return fd;
}

void place_start(struct place *p)
{
	static const uint8_t pool_key[32] = { 8 };
	struct access_config cfg = { .unknown_max_s = 60, .keepalive_s = 25 };
	struct sip_transport_config tc = { .client_max = 128 * 1024, .max_flows = 100 };
	struct sip_transport_ops ops = { .opened = on_opened,
		                         .message = on_message,
		                         .closed = on_closed };
	*p = (struct place){ .loop = loop_new() };
	loop_clock_move(p->loop, USEC_PER_MSEC - loop_now(p->loop) % USEC_PER_MSEC);
	p->accounts = accounts_new(p->loop, -1, on_accounts, NULL);
	p->tp = sip_transport_new(p->loop, &tc, &ops, p);
	struct access_setup setup = { .accounts = p->accounts,
		                      .tp = p->tp,
		                      .realm = STR("example.test"),
		                      .fqdn = STR("sip.example.test"),
		                      .domain = STR("example.test"),
		                      .pool_key = pool_key };
	p->access = access_new(p->loop, &cfg, &setup);
	sip_transport_listen(p->tp, SIP_UDP, bound(SOCK_DGRAM, &p->udp_at));
	sip_transport_listen(p->tp, SIP_TCP, bound(SOCK_STREAM, &p->tcp_at));
}

void place_stop(struct place *p)
{
	for (struct sip_flow *f = sip_flow_next(p->tp, NULL); f; f = sip_flow_next(p->tp, f))
		access_closed(p->access, f);
	accounts_free(&p->accounts);
	access_free(&p->access);
	sip_transport_free(&p->tp);
	loop_free(&p->loop);
}

struct sip_flow *place_connect(struct place *p, int *ret_fd)
{
	p->opened = NULL;
	*ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(connect(*ret_fd, &p->tcp_at.sa, sizeof(p->tcp_at.in4)) == 0);
	for (int i = 0; i < 1000 && !p->opened; i++)
		loop_turn(p->loop, 0);
	OK(p->opened != NULL);
	return p->opened;
}

int place_phone(struct place *p UNUSED, struct addr *ret_at)
{
	return bound(SOCK_DGRAM, ret_at);
}

void place_pass(struct place *p, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		loop_clock_move(p->loop, USEC_PER_SEC);
		loop_turn(p->loop, 0);
	}
	loop_turn(p->loop, 0);
	loop_turn(p->loop, 0);
}
