#include "svc/registrar/lync.h"

enum { KEEP_ALIVE_S = 300 };

void registrar_put_lync(struct buf *b, uint32_t expires_s, bool refreshed)
{
	buf_printf(b, "Expires: %u\r\npresence-state: register-action=\"%s\"\r\n", expires_s,
	           refreshed ? "refreshed" : "added");
	/* The list without blanks, one token a line of Supported: other forms are misread. */
	buf_lit(b, "Allow-Events: vnd-microsoft-provisioning-v2,vnd-microsoft-roaming-contacts,"
	           "vnd-microsoft-roaming-self,presence\r\n"
	           "Supported: adhoclist\r\n"
	           "Supported: msrtc-event-categories\r\n"
	           "Supported: com.microsoft.msrtc.presence\r\n");
	/* From version 6 on, offers are one plain SDP without the part for OCS 2007. */
	buf_lit(b, "Server: RTC/6.0\r\n");
	buf_printf(b, "ms-keep-alive: UAS; tcp=no; hop-hop=yes; end-end=no; timeout=%d\r\n",
	           KEEP_ALIVE_S);
}
