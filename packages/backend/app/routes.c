/* Every router of the API, in the order of the documentation: one line a feature. */
#include "app/routes.h"

#include "features/event/event.h"
#include "features/credit/credit.h"
#include "features/operations/operations.h"
#include "features/table/table.h"

const struct router *const all_routers[] = {
        &table_router, &event_router, &operations_router, &credit_router, NULL,
};
