#include "presload.h"

/* What 80,000 users do in a second (120,000 endpoints), in thousandths; load profile L-02 to L-17.
 */
/* Short subscriptions last ten minutes there, and ended ones do not add to who is told here. */
enum { IM_SPAN_S = 10, BRIEF_SPAN_S = 2 };
#define KEEP_ALIVES 400000u /* L-03 */

static const uint32_t per_second[N_JOBS] = {
	[JOB_PUBLISH] = 88900,  /* L-04, and with it L-05 and L-06: notifications */
	[JOB_REFRESH] = 200000, /* L-02 */
	[JOB_POLL] = 1333000,   /* L-07 */
	[JOB_BRIEF] = 133000,   /* L-09 */
	[JOB_SESSION] = 41700,  /* L-14 */
	[JOB_SEARCH] = 133000,  /* U-10: six an hour */
};

static uint64_t due(const struct presload *l, uint32_t rate, usec_t elapsed)
{
	return elapsed * rate / 1000 * l->o.share / 100 / USEC_PER_SEC;
}

static void keep_alive(struct presload *l)
{
	struct endpoint *e = &l->endpoint[l->due[N_JOBS] % l->n_endpoints];
	if (e->conn.state == CONN_OPEN)
		net_send(l->net, &e->conn, STR("\r\n\r\n"));
	l->due[N_JOBS]++;
}

/* What cannot begin, because all who could are busy, is left out and counted. */
void model_tick(struct presload *l, usec_t elapsed)
{
	for (int k = 0; k < N_JOBS; k++) {
		for (; l->due[k] < due(l, per_second[k], elapsed); l->due[k]++) {
			if (job_begin(l, (enum job_kind)k))
				continue;
			stats_failure(&l->stats, "not-begun");
			l->stats.errors++;
		}
	}
	while (l->due[N_JOBS] < due(l, KEEP_ALIVES, elapsed))
		keep_alive(l);
}

usec_t model_pause(const struct job *j)
{
	if (j->kind == JOB_BRIEF)
		return BRIEF_SPAN_S * USEC_PER_SEC;
	if (j->kind == JOB_SESSION)
		return IM_SPAN_S * USEC_PER_SEC / (3 * MESSAGES + 1);
	return 0;
}
