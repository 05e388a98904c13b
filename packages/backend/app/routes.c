/* Every router of the API, in the order of the documentation: one line a feature. */
#include "app/routes.h"

#include "features/event/event.h"
#include "features/credit/credit.h"
#include "features/export/export.h"
#include "features/import/import.h"
#include "features/operations/operations.h"
#include "features/table/table.h"

/* clang-format off: one a line */
const struct router *const all_routers[] = {
        &table_router,  &import_router,     &export_router, &event_router,
        &credit_router, &operations_router, NULL,
};
