/* Asking a provider one question by hand, inside this feature. */
#ifndef MILLRACE_FEATURES_PROVIDER_TRIAL_H
#define MILLRACE_FEATURES_PROVIDER_TRIAL_H

#include "features/provider/definition.h"

struct provider_trial {
        struct str source, outcome, detail;
        const struct json *outputs;
        double confidence;
        int64_t status, latency_ms;
        bool has_confidence, has_status;
};

/*
 * Asks as a job would, with the workspace's credential, but books nothing and keeps nothing.
 * ERR_VALIDATION when inputs are missing or there is no way to the provider.
 */
_must_check_ enum err provider_try(struct ctx *ctx, struct str workspace_id, struct str slug,
                                   const struct json *inputs, struct provider_trial *ret);

#endif
