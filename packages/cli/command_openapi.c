/* millrace openapi: the API's own description, made from the route tables; needs no server. */
#include "cli.h"
#include "app/openapi.h"
#include "app/routes.h"

enum err command_openapi(struct cli *cli)
{
        struct route_tree *routes = NULL;
        struct str document, html;

        TRY(router_open(&cli->ctx, all_routers, &routes));
        openapi_write(&cli->arena, routes, &document, &html);
        if (cli->json)
                cli_put_data(cli, document);
        else
                fwrite(document.ptr, 1, document.len, stdout), putchar('\n');
        router_close(routes);
        return OK;
}
