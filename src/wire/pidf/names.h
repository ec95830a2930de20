/* The namespaces of presence documents, for the two halves of wire/pidf. */
#pragma once

#define PIDF_NS "urn:ietf:params:xml:ns:pidf"
#define PIDF_NS_IM PIDF_NS ":im" /* RFC 3863 section 4.4: `im` in a status */
#define PIDF_NS_MODEL PIDF_NS ":data-model"
#define PIDF_NS_RPID PIDF_NS ":rpid"
#define PIDF_NS_TIMED PIDF_NS ":timed-status"
#define PIDF_NS_CIPID PIDF_NS ":cipid"
