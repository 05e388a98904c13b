/* The whole route table: every schema compiles, the OpenAPI document is JSON, roles fit their
 * paths. */
#include "test.h"

#include "app/openapi.h"
#include "app/routes.h"

static void every_route_compiles_and_is_described(void **state)
{
        struct route_tree *tree = NULL;
        struct str json, html;
        const struct json *document;

        if (router_open(&ctx, all_routers, &tree) != OK)
                fail_msg("%.*s", FMT(ctx.message));
        openapi_write(&arena, tree, &json, &html);
        assert_int_equal(json_parse(&ctx, json, &document), OK);
        assert_true(json_len(json_member(document, "paths")) > 20);
        assert_true(str_find(html, STR("</html>")) != SIZE_MAX);
        router_close(tree);
}

static void roles_of_a_workspace_stand_only_on_its_paths(void **state)
{
        struct route_tree *tree = NULL;

        assert_int_equal(router_open(&ctx, all_routers, &tree), OK);
        LIST_EACH (c, router_all(tree)) {
                enum role need = (*c)->route->role;
                bool of_workspace = need >= ROLE_ANY_MEMBER && need <= ROLE_BILLING_ADMIN;
                bool has_workspace = false;

                LIST_EACH (p, &(*c)->params) {
                        has_workspace |= str_eq(*p, STR("workspaceId"));
                }
                if (of_workspace != has_workspace)
                        fail_msg("%.*s asks for the role %s", FMT((*c)->path), role_name(need));
                if (!(*c)->route->summary || !(*c)->route->summary[0])
                        fail_msg("%.*s has no summary", FMT((*c)->path));
        }
        router_close(tree);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(every_route_compiles_and_is_described),
                TEST(roles_of_a_workspace_stand_only_on_its_paths),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
