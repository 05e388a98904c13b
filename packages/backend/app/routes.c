/* Every router of the API, in the order of the documentation: one line a feature. */
#include "app/routes.h"

#include "features/credit/credit.h"
#include "features/operations/operations.h"

const struct router *const all_routers[] = {
        &operations_router,
        &credit_router,
        NULL,
};
