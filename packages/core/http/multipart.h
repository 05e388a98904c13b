/* Inside core/http: a multipart/form-data body as it arrives; files go to spool files. */
#ifndef MILLRACE_CORE_HTTP_MULTIPART_H
#define MILLRACE_CORE_HTTP_MULTIPART_H

#include "http/http.h"

struct MHD_Connection;
struct multipart;

struct multipart *multipart_open(struct http_exchange *x, struct MHD_Connection *c);
bool multipart_feed(struct multipart *m, const char *data, size_t size);
bool multipart_finish(struct multipart *m);
void multipart_close(struct multipart *m); /* accepts NULL */

#endif
