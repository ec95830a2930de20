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

/* Where people are found.  A distribution group is an account without credentials (kind 1), so that
 * addresses, ids and changes are of one kind; account of a member: null for who is no user here. */
static const char directory[] = "alter table account add column kind integer not null default 0;"
                                "alter table account add column office text not null default '';"
                                "alter table account add column company text not null default '';"
                                "alter table account add column city text not null default '';"
                                "alter table account add column state text not null default '';"
                                "alter table account add column country text not null default '';"
                                "alter table account add column hidden integer not null default 0;"
                                "create table member ("
                                " grp integer not null references account(id) on delete cascade,"
                                " uri text not null,"
                                " account integer references account(id) on delete cascade,"
                                " primary key (grp, uri)"
                                ");"
                                "create index member_account on member (account)";

/* A log-in goes with the credential that it was made by, and so with the account. */
static const char logins[] = "create table login ("
                             " number integer primary key autoincrement,"
                             " account integer not null references account(id) on delete cascade,"
                             " credential integer not null"
                             "  references credential(id) on delete cascade,"
                             " secret blob not null,"
                             " made_at integer not null,"
                             " used_at integer not null,"
                             " ends_at integer not null,"
                             " peer text not null,"
                             " agent text not null"
                             ");"
                             "create index login_account on login (account, used_at);"
                             "create index login_credential on login (credential);"
                             "create index login_ends on login (ends_at)";

/* The second factor goes with the account, its recovery codes with it.  A log-in is proved when the
 * password was typed. */
static const char factors[] =
        "alter table account add column second_factor integer not null default 0;"
        "alter table login add column proved_at integer not null default 0;"
        "create table factor ("
        " account integer primary key references account(id) on delete cascade,"
        " key_id integer not null,"
        " sealed blob not null,"
        " confirmed integer not null default 0,"
        " step integer not null default 0,"
        " made_at integer not null"
        ");"
        "create table recovery ("
        " account integer not null references factor(account) on delete cascade,"
        " hash blob not null,"
        " primary key (account, hash)"
        ") without rowid";

/* An app token goes with the account alone. */
static const char tokens[] = "create table token ("
                             " number integer primary key autoincrement,"
                             " account integer not null references account(id) on delete cascade,"
                             " name text not null collate nocase,"
                             " secret blob not null,"
                             " made_at integer not null,"
                             " used_at integer not null default 0,"
                             " ends_at integer not null default 0,"
                             " unique (account, name)"
                             ")";
/* Where a browser is told by push: of a log-in, and gone with it.  The hash is the address's: a
 * browser is told for one log-in alone. */
static const char pushes[] = "create table push ("
                             " number integer primary key autoincrement,"
                             " account integer not null references account(id) on delete cascade,"
                             " login integer not null unique"
                             "  references login(number) on delete cascade,"
                             " hash blob not null unique,"
                             " key_id integer not null,"
                             " sealed blob not null,"
                             " made_at integer not null"
                             ");"
                             "create index push_account on push (account)";

/* vouched: by the company's OpenID provider.  By e-mail addresses it names people. */
static const char vouched[] = "alter table login add column vouched integer not null default 0;"
                              "create index account_email on account (email collate nocase)";

/* What administrators did by the pages stays though the account goes: names, no references. */
static const char audit[] = "alter table account add column admin integer not null default 0;"
                            "create table audit ("
                            " number integer primary key autoincrement,"
                            " at integer not null,"
                            " user text not null,"
                            " peer text not null,"
                            " command text not null,"
                            " args text not null,"
                            " result text not null,"
                            " changes integer not null"
                            ");"
                            "create index audit_at on audit (at);"
                            "create index audit_changes on audit (changes, number);"
                            "create index audit_user on audit (user, number)";

/* A picture has a name that nobody guesses, another one whenever it is set: whoever was told the
 * name may see it. */
static const char photos[] =
        "alter table account add column photo_name text not null default '';"
        "update account set photo_name = lower(hex(randomblob(16))) where photo is not null;"
        "create index account_photo on account (photo_name) where photo_name <> ''";

/* clang-format off */
const struct store_migration user_schema[] = {
	{ 1, first },
	{ 2, directory },
	{ 3, logins },
	{ 4, factors },
	{ 5, tokens },
	{ 6, vouched },
	{ 7, pushes },
	{ 8, audit },
	{ 9, photos },
	{ 0, NULL },
};
/* clang-format on */
