#include "svc/user/schema.h"

/* Ids are never used again: autoincrement.  A credential without device name is the account's
 * password. */
static const char first[] = "create table account ("
                            " id integer primary key autoincrement,"
                            " change integer not null,"
                            " uri text not null unique,"
                            " display_name text not null default '',"
                            " email text not null default '',"
                            " phone text unique,"
                            " extension text unique,"
                            " department text not null default '',"
                            " title text not null default '',"
                            " manager text not null default '',"
                            " photo blob,"
                            " disabled integer not null default 0,"
                            " ntlm integer not null default 0,"
                            " sha256_only integer not null default 0,"
                            " max_endpoints integer not null default 0,"
                            " created_at integer not null"
                            ");"
                            "create table credential ("
                            " id integer primary key autoincrement,"
                            " account integer not null references account(id) on delete cascade,"
                            " device text not null default '',"
                            " created_at integer not null,"
                            " used_at integer not null default 0,"
                            " key_id integer not null,"
                            " sealed blob not null,"
                            " unique (account, device)"
                            ");"
                            "create table change ("
                            " number integer primary key,"
                            " event integer not null,"
                            " account integer not null,"
                            " credential integer not null"
                            ");"
                            "create table meta ("
                            " name text primary key,"
                            " value blob not null"
                            ") without rowid";

/* clang-format off */
const struct store_migration user_schema[] = {
	{ 1, first },
	{ 0, NULL },
};
/* clang-format on */
