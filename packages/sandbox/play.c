/* What all played providers share: the list of them, parameters, gaps, errors as documented. */
#include "sandbox.h"

#include <string.h>

const struct player players[] = {
        {"abstract-company", "/v2/", HTTP_GET, BY_QUERY, "api_key", STYLE_ABSTRACT,
         answer_abstract},
        {"anymailfinder", "/v5.1/find-email/person", HTTP_POST, BY_HEADER, "Authorization",
         STYLE_ANYMAIL, answer_anymail_person},
        {"anymailfinder-company", "/v5.1/find-email/company", HTTP_POST, BY_HEADER, "Authorization",
         STYLE_ANYMAIL, answer_anymail_company},
        {"builtwith", "/v22/api.json", HTTP_GET, BY_QUERY, "KEY", STYLE_BUILTWITH,
         answer_builtwith},
        {"hunter-company", "/v2/companies/find", HTTP_GET, BY_HEADER, "X-API-KEY", STYLE_HUNTER,
         answer_hunter_company},
        {"hunter-domain-search", "/v2/domain-search", HTTP_GET, BY_HEADER, "X-API-KEY",
         STYLE_HUNTER, answer_hunter_search},
        {"hunter-email-finder", "/v2/email-finder", HTTP_GET, BY_HEADER, "X-API-KEY", STYLE_HUNTER,
         answer_hunter_finder},
        {"hunter-email-verifier", "/v2/email-verifier", HTTP_GET, BY_HEADER, "X-API-KEY",
         STYLE_HUNTER, answer_hunter_verifier},
        {"pdl-company", "/v5/company/enrich", HTTP_GET, BY_HEADER, "X-Api-Key", STYLE_PDL,
         answer_pdl_company},
        {"pdl-person", "/v5/person/enrich", HTTP_GET, BY_HEADER, "X-Api-Key", STYLE_PDL,
         answer_pdl_person},
        {"zerobounce", "/v2/validate", HTTP_GET, BY_QUERY, "api_key", STYLE_ZEROBOUNCE,
         answer_zerobounce},
};

size_t player_count(void)
{
        return ELEMENTS(players);
}

struct str call_query(const struct call *c, const char *name)
{
        return str_trim(req_query(c->req, name));
}

struct str call_member(const struct call *c, const char *name)
{
        return str_trim(json_member_text(c->body, name));
}

bool call_knows(const struct call *c, struct str subject)
{
        return fate_knows(&c->knobs, c->seed, str_from(c->player->slug), subject);
}

struct str call_field(const struct call *c, struct str subject, const char *field, struct str text)
{
        if (!text.len ||
            !fate_has_field(&c->knobs, c->seed, str_from(c->player->slug), subject, field))
                return STR_NULL;
        return text;
}

int64_t call_score(const struct call *c, struct str subject, int from, int to)
{
        double u = chance(c->seed ^ 5, str_from(c->player->slug), subject, 0);

        return from + (int64_t)(u * (to - from + 1));
}

int64_t number_of(struct str text)
{
        int64_t n = 0;

        return str_to_i64(text, &n) ? n : 0;
}

/* ---- errors ---- */

static void error_hunter(struct json_out *o, int status, const char *id, const char *message)
{
        out_array(o, "errors");
        out_object(o, NULL);
        out_c(o, "id", id);
        out_i64(o, "code", status);
        out_c(o, "details", message);
        out_end_object(o);
        out_end_array(o);
}

static void error_builtwith(struct json_out *o, const char *message)
{
        out_null(o, "NextOffset");
        out_null(o, "Results");
        out_array(o, "Errors");
        out_object(o, NULL);
        out_null(o, "Lookup");
        out_c(o, "Message", message);
        out_i64(o, "Code", -1);
        out_end_object(o);
        out_end_array(o);
}

void call_error(struct call *c, int status, const char *fate, const char *id, const char *message)
{
        struct json_out o = {&c->out, false};

        c->status = status;
        c->fate = fate;
        buf_reset(&c->out);
        out_object(&o, NULL);
        switch (c->player->errors) {
        case STYLE_HUNTER: error_hunter(&o, status, id, message); break;
        case STYLE_BUILTWITH: error_builtwith(&o, message); break;
        case STYLE_ZEROBOUNCE: out_c(&o, "error", message); break;
        case STYLE_ANYMAIL:
                out_c(&o, "error", id);
                out_c(&o, "error_explained", message);
                break;
        case STYLE_PDL:
                out_i64(&o, "status", status);
                out_object(&o, "error");
                out_c(&o, "type", id);
                out_c(&o, "message", message);
                out_end_object(&o);
                break;
        case STYLE_ABSTRACT:
                out_object(&o, "error");
                out_c(&o, "message", message);
                out_c(&o, "code", id);
                out_null(&o, "details");
                out_end_object(&o);
                break;
        }
        out_end_object(&o);
}
