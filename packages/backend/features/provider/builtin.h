/* The built-in providers' C functions, inside this feature only. */
#ifndef MILLRACE_FEATURES_PROVIDER_BUILTIN_H
#define MILLRACE_FEATURES_PROVIDER_BUILTIN_H

#include "features/provider/definition.h"

provider_local_fn builtin_email, builtin_domain_from_url, builtin_domain_from_name,
        builtin_name_split, builtin_phone;

#endif
