/* Credentials: keeping, changing, opening. See credential.h. */
#include "features/credential/credential.h"

#include <string.h>
#include "credential_sql.h"
#include "crypto/crypto.h"
#include "features/provider/provider.h"

static const struct desc_field credential_fields[] = {
        DESC_F(credential, id, "id", DESC_UUID),
        DESC_F(credential, provider, "provider", DESC_STR),
        DESC_F(credential, name, "name", DESC_STR),
        DESC_F(credential, last4, "last4", DESC_STR),
        DESC_F(credential, masked, "masked", DESC_STR),
        DESC_F(credential, created_at, "createdAt", DESC_TIME),
        DESC_F(credential, updated_at, "updatedAt", DESC_TIME),
        {0},
};
const struct desc credential_desc = DESC("Credential", credential, credential_fields);

static void set_masked(struct ctx *ctx, struct credential *c)
{
        c->masked = str_printf(ctx->arena, "••••%.*s", FMT(c->last4));
}

/* The last 4 characters; fewer where they would be much of the secret. */
static struct str tail_of(struct str secret)
{
        size_t show = secret.len >= 12 ? 4 : secret.len >= 8 ? 2 : 0, at = secret.len;

        while (show && at) {
                at--;
                show -= ((unsigned char)secret.ptr[at] & 0xc0) != 0x80;
        }
        return str_slice(secret, at, secret.len - at);
}

static bool has_secret(const struct credential_input *in)
{
        return in->value.ptr || in->username.ptr;
}

/* The secret as the JSON object that providers take, and what may be shown of it. */
static struct str secret_text(struct ctx *ctx, const struct credential_input *in, struct str *last4)
{
        struct json *o = json_new_object(ctx->arena);

        if (in->value.ptr) {
                json_put(o, STR("apiKey"), json_from_str(ctx->arena, in->value));
                *last4 = tail_of(in->value);
        } else {
                json_put(o, STR("username"), json_from_str(ctx->arena, in->username));
                json_put(o, STR("password"), json_from_str(ctx->arena, in->password));
                *last4 = tail_of(in->password);
        }
        return json_text(ctx->arena, o);
}

static enum err seal(struct ctx *ctx, struct str workspace_id, struct str id,
                     const struct credential_input *in, struct str *ret_sealed, struct str *last4)
{
        struct str text = secret_text(ctx, in, last4);
        enum err e = crypto_seal(ctx, ctx->app->keys, workspace_id, id, text, ret_sealed);

        crypto_wipe((char *)(uintptr_t)text.ptr, text.len);
        return e;
}

static enum err unseal(struct ctx *ctx, struct str workspace_id, struct str id, struct str sealed,
                       const struct json **ret)
{
        struct str text;

        TRY(crypto_unseal(ctx, ctx->app->keys, workspace_id, id, sealed, &text));
        return json_parse(ctx, text, ret);
}

static struct str details_of(struct ctx *ctx, struct str provider, struct str name)
{
        struct json *o = json_new_object(ctx->arena);

        json_put(o, STR("provider"), json_from_str(ctx->arena, provider));
        json_put(o, STR("name"), json_from_str(ctx->arena, name));
        return json_text(ctx->arena, o);
}

/* One of the registry's or of the workspace's own. */
static enum err check_provider(struct ctx *ctx, struct str workspace_id, struct str slug)
{
        provider_list own = {0};

        if (provider_find(ctx->app->providers, slug))
                return OK;
        TRY(provider_own_load(ctx, workspace_id, &own));
        LIST_EACH (def, &own)
                if (str_eq((*def)->slug, slug))
                        return OK;
        ctx_fault(ctx, STR("/provider"), "enum", "there is no provider \"%.*s\"", FMT(slug));
        return fail(ctx, ERR_VALIDATION, "there is no provider \"%.*s\"", FMT(slug));
}

static enum err name_taken(struct ctx *ctx, enum err e)
{
        if (e == ERR_CONFLICT)
                return fail(ctx, e, "there is a credential of this name for this provider");
        return e;
}

enum err credential_list_of(struct ctx *ctx, struct str workspace_id, const struct keyset *k,
                            credential_list *ret, struct page *ret_page)
{
        struct db_result r;

        TRY(keyset_fault(ctx, db_query(ctx, ctx->app->db, &sql_credential_list,
                                       PARAMS(p_str(workspace_id), p_str(k->at), p_str(k->id),
                                              p_i64(ctx, keyset_fetch(k))),
                                       &r)));
        keyset_page(ctx, k, &r, "created_at", "id", ret_page);
        desc_from_rows(ctx, &credential_desc, &r, ret);
        LIST_EACH (c, ret)
                set_masked(ctx, c);
        return OK;
}

enum err credential_create(struct ctx *ctx, struct str workspace_id,
                           const struct credential_input *in, struct credential *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct str name = str_trim(in->name), sealed, last4;
        struct db_result r;

        name = name.len ? name : STR("Default");
        TRY(check_provider(ctx, workspace_id, in->provider));
        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_credential_new_id, NO_PARAMS, &r));
        struct str id = db_text(&r, 0, 0);

        TRY(seal(ctx, workspace_id, id, in, &sealed, &last4));
        TRY(name_taken(ctx, tx_query(&tx, &sql_credential_insert,
                                     PARAMS(p_str(id), p_str(workspace_id), p_str(in->provider),
                                            p_str(name), p_bytes(ctx, sealed.ptr, sealed.len),
                                            p_str(last4), p_str(ctx->actor->user_id)),
                                     &r)));
        desc_from_row(ctx, &credential_desc, &r, 0, ret);
        set_masked(ctx, ret);
        TRY(audit_write(ctx, &tx, workspace_id, "credential.created", "credential", id,
                        details_of(ctx, in->provider, name)));
        return tx_commit(&tx);
}

enum err credential_change(struct ctx *ctx, struct str workspace_id, struct str id,
                           const struct credential_input *in, struct credential *ret)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result r;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_credential_lock, PARAMS(p_str(workspace_id), p_str(id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "credential");
        struct str row_id = db_text(&r, 0, 0), name = str_trim(in->name);
        struct str sealed = db_bytes(ctx, &r, 0, db_column(&r, "ciphertext"));
        struct str last4 = db_text(&r, 0, db_column(&r, "last4"));

        name = name.len ? name : db_text(&r, 0, db_column(&r, "name"));
        if (has_secret(in))
                TRY(seal(ctx, workspace_id, row_id, in, &sealed, &last4));
        TRY(name_taken(ctx, tx_query(&tx, &sql_credential_update,
                                     PARAMS(p_str(row_id), p_str(name),
                                            p_bytes(ctx, sealed.ptr, sealed.len), p_str(last4)),
                                     &r)));
        desc_from_row(ctx, &credential_desc, &r, 0, ret);
        set_masked(ctx, ret);
        TRY(audit_write(ctx, &tx, workspace_id,
                        has_secret(in) ? "credential.replaced" : "credential.renamed", "credential",
                        row_id, details_of(ctx, ret->provider, name)));
        return tx_commit(&tx);
}

enum err credential_delete(struct ctx *ctx, struct str workspace_id, struct str id)
{
        _cleanup_(tx_end) struct tx tx = {0};
        struct db_result r;

        TRY(tx_begin(ctx, ctx->app->db, &tx));
        TRY(tx_query(&tx, &sql_credential_delete, PARAMS(p_str(workspace_id), p_str(id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "credential");
        TRY(audit_write(ctx, &tx, workspace_id, "credential.deleted", "credential", id,
                        details_of(ctx, db_text(&r, 0, 0), db_text(&r, 0, 1))));
        return tx_commit(&tx);
}

enum err credential_find(struct ctx *ctx, struct str workspace_id, struct str provider_slug,
                         const struct json **ret)
{
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_credential_newest,
                     PARAMS(p_str(workspace_id), p_str(provider_slug)), &r));
        if (r.rows == 0) {
                *ret = NULL;
                return OK;
        }
        return unseal(ctx, workspace_id, db_text(&r, 0, 0), db_bytes(ctx, &r, 0, 1), ret);
}

enum err credential_open(struct ctx *ctx, struct str id, struct credential_secret *ret)
{
        struct credential_secret s = {0};
        struct db_result r;

        TRY(db_query(ctx, ctx->app->db, &sql_credential_by_id, PARAMS(p_str(id)), &r));
        if (r.rows == 0)
                return fail_not_found(ctx, "credential");
        s.id = db_text(&r, 0, 0);
        s.workspace_id = db_text(&r, 0, 1);
        s.provider = db_text(&r, 0, 2);
        TRY(unseal(ctx, s.workspace_id, s.id, db_bytes(ctx, &r, 0, 3), &s.secret));
        *ret = s;
        return OK;
}

/* One page of credentials; *ret_last is STR_NULL after the last one. */
static enum err reseal_page(struct ctx *ctx, struct tx *tx, struct str *last, int64_t *count)
{
        const struct crypto_keys *keys = ctx->app->keys;
        struct db_array ids, texts;
        struct db_result r;

        TRY(tx_query(tx, &sql_credential_reseal_page, PARAMS(p_str(*last)), &r));
        *last = r.rows ? db_text(&r, r.rows - 1, 0) : STR_NULL;
        db_array_init(ctx, &ids);
        db_array_init(ctx, &texts);
        for (int i = 0; i < r.rows; i++) {
                struct str id = db_text(&r, i, 0), workspace = db_text(&r, i, 1), plain, sealed;
                struct str old = db_bytes(ctx, &r, i, 2);

                if (crypto_is_current(keys, old))
                        continue;
                TRY(crypto_unseal(ctx, keys, workspace, id, old, &plain));
                TRY(crypto_seal(ctx, keys, workspace, id, plain, &sealed));
                db_array_str(&ids, id);
                db_array_str(&texts, crypto_hex(ctx->arena, sealed));
                (*count)++;
        }
        return tx_exec(tx, &sql_credential_reseal, PARAMS(p_array(&ids), p_array(&texts)), NULL);
}

enum err credential_reseal(struct ctx *ctx, int64_t *ret_count)
{
        struct str last = STR_NULL;
        int64_t count = 0;

        do {
                _cleanup_(tx_end) struct tx tx = {0};

                TRY(tx_begin(ctx, ctx->app->db, &tx));
                TRY(reseal_page(ctx, &tx, &last, &count));
                TRY(tx_commit(&tx));
        } while (last.ptr);
        *ret_count = count;
        return OK;
}
