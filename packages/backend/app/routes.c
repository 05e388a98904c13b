/* Every router of the API, in the order of the documentation: one line a feature. */
#include "app/routes.h"

#include "features/credit/credit.h"
#include "features/auth/auth.h"
#include "features/credential/credential.h"
#include "features/event/event.h"
#include "features/export/export.h"
#include "features/import/import.h"
#include "features/job/job.h"
#include "features/operations/operations.h"
#include "features/provider/provider.h"
#include "features/record/record.h"
#include "features/table/table.h"
#include "features/team/team.h"
#include "features/workspace/workspace.h"

/* One a line. */
/* clang-format off */
const struct router *const all_routers[] = {
        &auth_router,
        &workspace_router,
        &workspace_member_router,
        &team_router,
        &team_public_router,
        &credential_router,
        &credential_internal_router,
        &table_router,
        &record_router,
        &event_router,
        &import_router,
        &export_router,
        &provider_router,
        &provider_workspace_router,
        &job_router,
        &credit_router,
        &operations_router,
        NULL,
};
/* clang-format on */
