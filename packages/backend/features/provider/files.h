/* Reading definition files, inside this feature only. */
#ifndef MILLRACE_FEATURES_PROVIDER_FILES_H
#define MILLRACE_FEATURES_PROVIDER_FILES_H

#include "embed/embed.h"
#include "err/ctx.h"

/* The shipped definitions, their fixtures and the format's schema. */
extern const struct embedded_file provider_files[];

/* At most 1 MB. ERR_NOT_FOUND with the system's reason. */
_must_check_ enum err file_read(struct ctx *ctx, const char *path, struct str *ret);
/* Names of the definitions in a folder, sorted. */
_must_check_ enum err files_list(struct ctx *ctx, struct str dir, str_list *ret);
bool file_is_definition(const char *name); /* of the embedded files */

#endif
