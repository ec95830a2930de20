/* The tables of commands, one for each module of the tool. */
#pragma once

#include "ctl/tool.h"

extern const struct verb ctl_user_verbs[];       /* user, device */
extern const struct verb ctl_server_verbs[];     /* status, role, reload, stop */
extern const struct verb ctl_process_verbs[];    /* role status, metrics */
extern const struct verb ctl_call_verbs[];       /* endpoint, call, explain, trace */
extern const struct verb ctl_presence_verbs[];   /* presence, contact */
extern const struct verb ctl_conference_verbs[]; /* conference */
extern const struct verb ctl_topology_verbs[];   /* topology, config */
extern const struct verb ctl_cert_verbs[];       /* cert */
extern const struct verb ctl_dns_verbs[];        /* dns */
extern const struct verb ctl_doctor_verbs[];     /* doctor */
extern const struct verb ctl_page_verbs[];       /* run-page */
extern const struct verb ctl_relay_verbs[];      /* relay, allocation */
extern const struct verb ctl_import_verbs[];     /* user import */
extern const struct verb ctl_admin_verbs[];      /* admin, audit */
extern const struct verb ctl_directory_verbs[];  /* directory, group */
