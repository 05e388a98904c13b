/* Unit tests of the route tree and of roles. */
#include "test.h"

#include "base/router.h"

static enum err nothing(struct ctx *c, const struct req *req, struct reply *out)
{
        return OK;
}

static const struct route tables[] = {
        {HTTP_GET, "/tables", ROLE_VIEWER, nothing, .summary = "x"},
        {HTTP_POST, "/tables", ROLE_MEMBER, nothing, .summary = "x"},
        {HTTP_GET, "/tables/:tableId", ROLE_VIEWER, nothing, .summary = "x"},
        {HTTP_GET, "/tables/recent", ROLE_VIEWER, nothing, .summary = "x"},
        {HTTP_DELETE, "/tables/:tableId/columns/:columnId", ROLE_MEMBER, nothing, .summary = "x"},
        {0},
};
static const struct router table_router = {"/workspaces/:workspaceId", "tables", tables};
static const struct route files[] = {
        {HTTP_GET, "/files/:name", ROLE_PUBLIC, nothing, .summary = "x"},
        {0},
};
static const struct router file_router = {"", "files", files};
static const struct router *const routers[] = {&table_router, &file_router, NULL};

#define ID1 "0f8fad5b-d9cb-469f-a165-70867728950e"
#define ID2 "7c9e6679-7425-40de-944b-e07fc1f90ae7"

static struct route_tree *tree;
static struct req req;
static struct str allow;

static const struct compiled_route *match(enum http_method m, const char *path)
{
        const struct compiled_route *found = NULL;

        req = (struct req){.method = m};
        allow = STR_NULL;
        ctx_clear(&ctx);
        if (router_match(&ctx, tree, str_from(path), &req, &found, &allow) != OK)
                return NULL;
        return found;
}

static void paths_find_their_route_and_merged_parameters(void **state)
{
        assert_int_equal(router_open(&ctx, routers, &tree), OK);
        const struct compiled_route *r =
                match(HTTP_DELETE, "/workspaces/" ID1 "/tables/" ID2 "/columns/" ID1);

        assert_ptr_equal(r->route, &tables[4]);
        assert_true(str_eq(req_param(&req, "workspaceId"), STR(ID1)));
        assert_true(str_eq(req_param(&req, "tableId"), STR(ID2)));
        assert_true(str_eq(req_param(&req, "columnId"), STR(ID1)));
        assert_ptr_equal(match(HTTP_GET, "/workspaces/" ID1 "/tables/recent")->route, &tables[3]);
        assert_ptr_equal(match(HTTP_GET, "/workspaces/" ID1 "/tables/" ID2)->route, &tables[2]);
        assert_ptr_equal(match(HTTP_GET, "/files/any")->route, &files[0]);
        router_close(tree);
}

static void what_is_not_there_is_not_found(void **state)
{
        assert_int_equal(router_open(&ctx, routers, &tree), OK);
        assert_null(match(HTTP_GET, ""));
        assert_null(match(HTTP_GET, "/"));
        assert_null(match(HTTP_GET, "/workspaces/" ID1));
        assert_null(match(HTTP_GET, "/workspaces/not-a-uuid/tables"));
        assert_null(match(HTTP_GET, "/workspaces//tables"));
        assert_null(match(HTTP_GET, "/files/"));
        assert_null(match(HTTP_GET, "/workspaces/" ID1 "/tables/"));
        assert_null(allow.ptr);
        assert_null(match(HTTP_DELETE, "/workspaces/" ID1 "/tables"));
        assert_true(str_eq(allow, STR("GET, POST")));
        router_close(tree);
}

static void one_path_twice_is_refused(void **state)
{
        const struct router *const twice[] = {&file_router, &file_router, NULL};

        assert_int_equal(router_open(&ctx, twice, &tree), ERR_INTERNAL);
}

static void roles_form_a_ladder_and_billing_stands_beside_it(void **state)
{
        assert_true(role_allows(ROLE_OWNER, ROLE_ADMIN));
        assert_true(role_allows(ROLE_VIEWER, ROLE_VIEWER));
        assert_false(role_allows(ROLE_VIEWER, ROLE_MEMBER));
        assert_false(role_allows(ROLE_BILLING_ADMIN, ROLE_VIEWER));
        assert_true(role_allows(ROLE_BILLING_ADMIN, ROLE_BILLING_ADMIN));
        assert_true(role_allows(ROLE_BILLING_ADMIN, ROLE_ANY_MEMBER));
        assert_true(role_allows(ROLE_OWNER, ROLE_BILLING_ADMIN));
        assert_false(role_allows(ROLE_ADMIN, ROLE_BILLING_ADMIN));
        assert_false(role_allows(ROLE_OWNER, ROLE_PLATFORM_ADMIN));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(paths_find_their_route_and_merged_parameters),
                TEST(what_is_not_there_is_not_found),
                TEST(one_path_twice_is_refused),
                TEST(roles_form_a_ladder_and_billing_stands_beside_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
