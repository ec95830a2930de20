/* `dialtone user ...`, `dialtone device ...`, `dialtone login ...`, `dialtone token ...`: rows for
 * the control socket of the accounts role; the tool runs the same rows itself while the server is
 * stopped. */
#pragma once

#include "svc/user/phonebook.h"
#include "wire/ctl/ctl.h"

/* What the functions' role_state points to; the first member of the role's own state. */
struct user_admin {
	struct userdb *db;
	struct phonebook *people;
	uint32_t max_endpoints; /* of users who have no limit of their own */
};

/* Ends with a row without noun. */
extern const struct ctl_command user_commands[];
