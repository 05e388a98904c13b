/*
 * The built web app, served from memory: loaded (and compressed) once at start. Paths that are no
 * file get index.html, so that the app's own routes work; hashed assets are cached for a year.
 */
#ifndef MILLRACE_APP_WEB_H
#define MILLRACE_APP_WEB_H

#include "base/app.h"
#include "http/http.h"

struct web_files;

/* A folder that is not there gives an empty set: the API works without the web app. */
_must_check_ enum err web_open(struct ctx *ctx, struct str dir, struct web_files **ret);
void web_close(struct web_files *w);
void web_serve(struct app *app, const struct req *req, struct reply *out);

#endif
