#include <assert.h>

#include "svc/access/dialect.h"
#include "svc/access/sa.h"
#include "svc/conversation/content.h"
#include "svc/conversation/im.h"

/* What the Lync dialect reads of a message: its marks, credentials, the kind of its body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_msg m;
	struct content c;
	struct str id, type;
	if (sip_parse(&m, (struct str){ (const char *)data, size }) < 0)
		return 0;
	struct str epid = dialect_epid(sip_from(&m));
	assert(epid.len <= DIALECT_EPID_MAX);
	assert(epid.len == 0 || dialect_of(&m) == DIALECT_LYNC);
	struct str creds = sa_credentials(&m, "NTLM", &id);
	assert(creds.len > 0 || id.len == 0);
	content_read(&c, &m);
	auto_(buf_free) struct buf out = buf_of(2 * CONTENT_MAX);
	if (c.kind != CONTENT_OTHER) {
		content_put_pager(&out, &c, &type);
		content_put_session(&out, &c, &type);
		assert(!out.full);
	}
	(void)im_is_invite(&m);
	return 0;
}
