/* What the command line of the generator says. */
#pragma once

#include "net.h"
#include "text.h"

enum op_kind {
	OP_CONNECT,  /* opens each connection once */
	OP_SIGNIN,   /* each user once: connects if need be, registers */
	OP_REGISTER, /* REGISTER without credentials, 401, REGISTER, 200 */
	OP_REFRESH,  /* REGISTER with the kept nonce, 200 */
	OP_MESSAGE,  /* MESSAGE from A to B, answered by B */
	OP_CALL,     /* INVITE 100 180 200 ACK BYE 200 */
	OP_DIALOG,   /* each pair once: INVITE 180 200 ACK, and the dialog stays */
	OP_CHAT,     /* MESSAGE from A to B inside the dialog, answered by B */
	OP_ECHO,     /* bytes that come back */
	OP_N_KINDS
};
/* Is it between two users? */
static inline bool op_is_pair(enum op_kind k)
{
	return k == OP_MESSAGE || k == OP_CALL || k == OP_DIALOG || k == OP_CHAT;
}

enum { STEPS_MAX = 32 };

/* One word of the command line: OP:COUNT or OP:SECONDSs, perhaps @OUTSTANDING. */
struct step {
	unsigned kind; /* of the program's operations */
	const char *name;
	uint32_t at_once; /* 0: as --outstanding says */
	uint32_t count;   /* 0: as many as the seconds allow */
	usec_t span;
};

struct options {
	struct net_config net;
	const char *domain, *password, *prefix;
	uint32_t first, users, conns; /* the number of the first user; conns 0: one for each user */
	uint32_t outstanding, rate, expires, echo_size;
	usec_t timeout, ring;
	bool keep_nonce; /* MESSAGE and INVITE carry credentials with the nonce of before */
	bool retry;      /* a sign-in that failed is tried again, as a client does */
	bool wait;       /* a line on the standard input before each step and before the end */
	bool elsewhere;  /* MESSAGE and INVITE leave on a connection that did not register A */
	bool outbound;   /* +sip.instance and reg-id in Contact */
	bool lync;       /* the Lync dialect: NTLM, and every message signed */
	/* presload's. */
	uint32_t contacts, loners, share;
	bool print_contacts;
	struct step step[STEPS_MAX];
	size_t n_steps;
};

/* What a program can do. */
struct program {
	const char *name, *usage;
	const char *const *ops; /* their names */
	unsigned n_ops;
	uint32_t once; /* a bit for each that has no COUNT */
};

/* Ends the program with a sentence if the command line is wrong. */
void options_read(struct options *ret, const struct program *p, int argc, char **argv);
