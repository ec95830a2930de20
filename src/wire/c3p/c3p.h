/* C3P, the protocol that controls conferences ([MS-CONFBAS], [MS-CONFPRO]): requests of clients to
 * the conference factory and the focus, of the focus to MCUs, their responses, and what MCUs tell
 * the focus unasked.  Content type application/cccp+xml. */
#pragma once

#include "wire/confinfo/confinfo.h"

enum {
	C3P_ID_MAX = 64,       /* bytes of a requestId */
	C3P_CONFS_MAX = 1000,  /* conferences in one message */
	C3P_NUMBERS_MAX = 100, /* access numbers */
};

enum c3p_kind {
	C3P_REQUEST,
	C3P_RESPONSE,
	/* Of an MCU: conference-info that changed; has no command.  Without conference-info: all
	 * that it has was told. */
	C3P_NOTIFY,
};

enum c3p_command {
	C3P_UNKNOWN, /* one that is passed on, or refused: name and source tell which */
	C3P_GET_CAPABILITIES,
	C3P_ADD_CONFERENCE,
	C3P_GET_CONFERENCE,
	C3P_GET_CONFERENCES,
	C3P_MODIFY_CONFERENCE,
	C3P_DELETE_CONFERENCE,
	C3P_ADD_USER,
	C3P_DELETE_USER,
	C3P_MODIFY_USER_ROLES,
	C3P_MODIFY_LOCK,
	C3P_SET_LOBBY_ACCESS,
	C3P_N_COMMANDS,
};

enum c3p_code { C3P_SUCCESS, C3P_PENDING, C3P_FAILURE, C3P_N_CODES };

enum c3p_reason {
	C3P_NO_REASON,
	C3P_OTHER_FAILURE, /* and any that is not known */
	C3P_REQUEST_MALFORMED,
	C3P_REQUEST_TOO_LARGE,
	C3P_REQUEST_TIMEOUT,
	C3P_SERVER_BUSY,
	C3P_NOT_SUPPORTED,
	C3P_NOT_AUTHORIZED,
	C3P_CONFERENCE_DOESNT_EXIST,
	C3P_CONFERENCE_EXISTS,
	C3P_CONFERENCE_LOCKED,
	C3P_USER_DOESNT_EXIST,
	C3P_INVALID_ID,
	C3P_INVALID_ROLE,
	C3P_INVALID_EXPIRY,
	C3P_INVALID_ADMISSION,
	C3P_ANONYMOUS_NOT_ALLOWED,
	C3P_MAX_CONFERENCES,
	C3P_MAX_SIZE,
	C3P_MCU_NOT_AVAILABLE,
	C3P_N_REASONS,
};

/* A conference-info in a message. */
struct c3p_conf {
	struct c3p_conf *next;
	struct confinfo info;
};

/* A telephone number by which one joins. */
struct c3p_number {
	struct c3p_number *next;
	struct str region, number;
	uint32_t language; /* 0: not told */
};

struct c3p_capabilities {
	uint32_t mcus; /* bits 1 << enum confinfo_session */
	struct str default_region;
	struct c3p_number *numbers;
};

/* One message; what its command does not have is empty. */
struct c3p_msg {
	enum c3p_kind kind;
	enum c3p_command command;
	struct str name;           /* of the command's element; empty if there is none */
	struct str source;         /* that element as it stands; not written */
	struct str to, from, id;   /* URIs, requestId */
	enum c3p_code code;        /* of a response */
	enum c3p_reason reason;    /* of a failure */
	struct str conf;           /* confEntity: URI of the focus */
	struct str conf_id;        /* conference-id: how the factory's requests name a conference */
	struct str user;           /* userEntity */
	struct str mcu;            /* mcuUri: the MCU that is meant; empty: the focus */
	struct confinfo_user *who; /* of addUser */
	struct c3p_conf *confs;    /* conference-info elements */
	struct c3p_capabilities *caps;     /* of a response to getConferencingCapabilities */
	enum confinfo_role role;           /* of modifyUserRoles */
	enum confinfo_flag locked;         /* of modifyConferenceLock */
	enum confinfo_admission admission; /* likewise, if it is to change */
	enum confinfo_flag granted;        /* of setLobbyAccess */
};

/* Everything lies in the arena or borrows from `in`.  -EBADMSG: no C3P, or a request without what
 * its command needs; -E2BIG: above the limits. */
int c3p_parse(struct c3p_msg *ret, struct arena *a, struct str in) MUST_CHECK;
/* Appends the message; legs: conference-info and users with them, for focus and MCU alone. */
void c3p_put(struct buf *b, const struct c3p_msg *m, bool legs);
/* The head of the response to a request: kind, command, ids, from and to turned around. */
struct c3p_msg c3p_response(const struct c3p_msg *request, enum c3p_code code,
                            enum c3p_reason reason);

struct str c3p_command_name(enum c3p_command c);
enum c3p_command c3p_command_of(struct str name);
struct str c3p_code_name(enum c3p_code c);
struct str c3p_reason_name(enum c3p_reason r);
