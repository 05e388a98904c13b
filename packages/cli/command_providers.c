/* millrace providers list|check: the definitions this installation knows. */
#include "cli.h"
#include "env.h"
#include "features/provider/provider.h"

static void list_json(struct json_out *o, const struct provider_def *d)
{
        out_object(o, NULL);
        out_str(o, "slug", d->slug);
        out_str(o, "name", d->name);
        out_str(o, "category", d->category);
        out_str(o, "description", d->description);
        out_bool(o, "builtin", d->builtin);
        out_array(o, "inputs");
        LIST_EACH (in, &d->inputs) {
                out_object(o, NULL);
                out_str(o, "key", in->key);
                out_bool(o, "required", in->required);
                out_end_object(o);
        }
        out_end_array(o);
        out_array(o, "outputs");
        LIST_EACH (key, &d->outputs)
                out_str(o, NULL, *key);
        out_end_array(o);
        out_object(o, "credits");
        out_i64(o, "hit", d->credits_hit);
        out_i64(o, "miss", d->credits_miss);
        out_end_object(o);
        out_bool(o, "requiresCredential", d->requires_credential);
        out_end_object(o);
}

static void list_text(struct cli *cli, const struct provider_def *d)
{
        struct buf b;

        buf_init(&b, &cli->arena, 4096);
        LIST_EACH (in, &d->inputs)
                buf_printf(&b, "%s%.*s%s", b.len ? ", " : "", FMT(in->key),
                           in->required ? "*" : "");
        buf_add_c(&b, " → ");
        for (size_t i = 0; i < d->outputs.len; i++)
                buf_printf(&b, "%s%.*s", i ? ", " : "", FMT(d->outputs.ptr[i]));
        cli_print("%-24.*s %3lld credit%s  %.*s\n", FMT(d->slug), (long long)d->credits_hit,
                  d->credits_hit == 1 ? " " : "s", FMT(d->name));
        cli_print("%-24s %s\n", "", buf_str(&b).ptr);
}

enum err command_providers_list(struct cli *cli)
{
        const struct provider_settings settings = {
                .dir = env_get("MILLRACE_PROVIDERS_DIR"),
                .sandbox_url = env_get("MILLRACE_SANDBOX_URL"),
                .dns_servers = env_get("MILLRACE_DNS_SERVERS"),
        };
        struct provider_registry *reg = NULL;
        struct buf b;
        struct json_out o = {.buf = &b};

        TRY(provider_registry_open(&cli->ctx, &settings, &reg));
        buf_init(&b, &cli->arena, 16 << 20);
        out_array(&o, NULL);
        for (size_t i = 0; i < provider_count(reg); i++) {
                if (cli->json)
                        list_json(&o, provider_at(reg, i));
                else
                        list_text(cli, provider_at(reg, i));
        }
        out_end_array(&o);
        if (cli->json)
                cli_put_data(cli, buf_str(&b));
        provider_registry_close(reg);
        return OK;
}

static void check_json(struct json_out *o, const struct provider_check *c)
{
        out_object(o, NULL);
        out_str(o, "file", c->file);
        out_str(o, "slug", c->slug);
        out_bool(o, "valid", c->faults.len == 0);
        out_i64(o, "fixtures", (int64_t)c->fixtures);
        out_array(o, "faults");
        LIST_EACH (f, &c->faults)
                cli_fault_json(o, f);
        out_end_array(o);
        out_end_object(o);
}

enum err command_providers_check(struct cli *cli)
{
        struct str dir = cli->operands.len ? cli->operands.ptr[0] : STR("");
        provider_check_list checks = {0};
        struct buf b;
        struct json_out o = {.buf = &b};

        TRY(provider_check_all(&cli->ctx, dir, &checks));
        buf_init(&b, &cli->arena, 16 << 20);
        out_array(&o, NULL);
        LIST_EACH (c, &checks) {
                if (c->faults.len)
                        cli->status = EXIT_FAULTS;
                check_json(&o, c);
                if (cli->json)
                        continue;
                LIST_EACH (f, &c->faults)
                        cli_put_fault(c->file, f);
                if (!c->faults.len)
                        cli_print("%.*s: fine, %zu sample answer%s\n", FMT(c->file), c->fixtures,
                                  c->fixtures == 1 ? "" : "s");
        }
        out_end_array(&o);
        if (cli->json)
                cli_put_data(cli, buf_str(&b));
        return OK;
}
