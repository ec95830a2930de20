/* What an administrator does not let pass in conversations: links, and files by the end of their
 * names (F-042, F-043). */
#pragma once

#include "svc/conversation/content.h"

enum filter_links {
	FILTER_LINKS_ALLOW, /* nothing is looked at */
	FILTER_LINKS_WARN,  /* a link gets `_` in front: it must be copied by hand */
	FILTER_LINKS_BLOCK,
};
enum { FILTER_LINKS_MAX = 1000 /* of one message, where links are looked at: it is blocked */ };

/* The prefixes and the extensions are words with blanks between. */
#define FILTER_PREFIXES                                                                           \
	"callto: file: ftp. ftp: gopher: http: https: ldap: mailto: news: nntp: sip: sips: tel: " \
	"telnet: www."
#define FILTER_EXTENSIONS                                                                       \
	".ade .adp .app .asp .bas .bat .cer .chm .cmd .com .cpl .crt .csh .exe .fxp .grp .hlp " \
	".hta "                                                                                 \
	".inf .ins .isp .its .js .jse .ksh .lnk .mad .maf .mag .mam .maq .mar .mas .mat .mau "  \
	".mav "                                                                                 \
	".maw .mda .mdb .mde .mdt .mdw .mdz .msc .msi .msp .mst .ocx .ops .pcd .pif .pl .pnp "  \
	".prf "                                                                                 \
	".prg .ps1 .pst .reg .scf .scr .sct .shb .shs .tmp .url .vb .vbe .vbs .vsd .vsmacros "  \
	".vss "                                                                                 \
	".vst .vsw .ws .wsc .wsf .wsh"

struct filter {
	enum filter_links links;
	struct str prefixes;
	struct str extensions; /* "none": all files pass */
};

enum filter_verdict {
	FILTER_PASS,
	FILTER_CHANGED, /* another body has been made */
	FILTER_LINK,
	FILTER_FILE,
};

/* Looks at a MESSAGE, INFO or INVITE.  CHANGED: *ret has the body that goes on in its place, with
 * the same Content-Type. */
enum filter_verdict filter_look(const struct filter *f, const struct sip_msg *m, struct buf *ret);
