/* The life of a request: the middleware in its order, then the route's handler. */
#ifndef MILLRACE_APP_PIPELINE_H
#define MILLRACE_APP_PIPELINE_H

#include "base/app.h"
#include "http/http.h"

/* Callbacks of the HTTP server; owner is the struct app. */
bool pipeline_begin(void *owner, struct http_exchange *x);
void pipeline_run(void *owner, struct http_exchange *x);
void pipeline_done(void *owner, struct http_exchange *x);

#endif
