/* Hunter as its API documentation v2 describes it: company, email finder, domain search, verifier.
 */
#include "sandbox.h"

static struct json_out begin(struct call *c)
{
        c->status = 200;
        c->fate = "hit";
        return (struct json_out){&c->out, false};
}

static void meta(struct json_out *o)
{
        out_object(o, "meta");
        out_object(o, "params");
        out_end_object(o);
        out_end_object(o);
}

static void object_of(struct json_out *o, const char *key, const char *member, struct str text)
{
        out_object(o, key);
        out_str(o, member, text);
        out_end_object(o);
}

/* ---- /v2/companies/find ---- */

static void technologies(struct json_out *o, const char *key, struct str list)
{
        struct str one;

        out_array(o, key);
        while (list.len && str_split(&list, ',', &one))
                out_str(o, NULL, one);
        out_end_array(o);
}

static void company_data(struct call *c, struct json_out *o, const struct company *co)
{
        struct ctx *ctx = c->ctx;
        struct str s = co->domain;

        out_str(o, "id", co->domain);
        out_str(o, "name", co->name);
        out_str(o, "legalName", STR_NULL);
        out_str(o, "domain", co->domain);
        out_object(o, "site");
        out_array(o, "phoneNumbers");
        if (call_field(c, s, "phone", co->phone).len)
                out_str(o, NULL, co->phone);
        out_end_array(o);
        out_array(o, "emailAddresses");
        out_end_array(o);
        out_end_object(o);
        object_of(o, "category", "industry", call_field(c, s, "industry", co->industry));
        out_str(o, "description", call_field(c, s, "description", co->description));
        if (call_field(c, s, "founded", co->founded).len)
                out_i64(o, "foundedYear", number_of(co->founded));
        else
                out_null(o, "foundedYear");
        out_str(o, "location",
                str_printf(ctx->arena, "%.*s, %.*s", FMT(co->city), FMT(co->country)));
        out_object(o, "geo");
        out_str(o, "city", co->city);
        out_null(o, "state");
        out_str(o, "country", co->country);
        out_str(o, "countryCode", co->country_code);
        out_end_object(o);
        object_of(o, "linkedin", "handle",
                  str_printf(ctx->arena, "company/%.*s", FMT(co->linkedin)));
        out_str(o, "ticker", co->ticker.len ? co->ticker : STR_NULL);
        out_object(o, "metrics");
        if (call_field(c, s, "employees", co->employees).len)
                out_i64(o, "employees", number_of(co->employees));
        else
                out_null(o, "employees");
        out_end_object(o);
        technologies(o, "tech", call_field(c, s, "technologies", co->technologies));
}

void answer_hunter_company(struct call *c)
{
        struct str domain = host_of(c->ctx, call_query(c, "domain"));
        const struct company *co = data_company_by_domain(c->box->data, domain);
        struct json_out o;

        if (!domain.len) {
                call_error(c, 400, "bad_request", "wrong_params",
                           "You are missing the domain parameter");
                return;
        }
        if (!co || !call_knows(c, domain)) {
                call_error(c, 404, "miss", "not_found", "No company was found for this domain");
                return;
        }
        o = begin(c);
        out_object(&o, NULL);
        out_object(&o, "data");
        company_data(c, &o, co);
        out_end_object(&o);
        meta(&o);
        out_end_object(&o);
}

/* ---- /v2/email-finder ---- */

static const char *verification(const struct person *p)
{
        if (str_eq(p->status, STR("catch_all")))
                return "accept_all";
        if (str_eq(p->status, STR("risky")))
                return "unknown";
        return str_eq(p->status, STR("invalid")) ? "invalid" : "valid";
}

static int64_t score_of(const struct call *c, const struct person *p)
{
        if (str_eq(p->status, STR("valid")))
                return call_score(c, p->email, 86, 99);
        return call_score(c, p->email, 35, 75);
}

static const struct company *company_asked(struct call *c, const char *domain_name,
                                           const char *company_name)
{
        struct str domain = host_of(c->ctx, call_query(c, domain_name));

        if (domain.len)
                return data_company_by_domain(c->box->data, domain);
        return data_company_by_name(c->box->data, call_query(c, company_name));
}

static struct str name_asked(struct call *c)
{
        struct str full = call_query(c, "full_name");

        if (full.len)
                return full;
        return str_printf(c->ctx->arena, "%.*s %.*s", FMT(call_query(c, "first_name")),
                          FMT(call_query(c, "last_name")));
}

static void finder_data(struct call *c, struct json_out *o, const struct person *p)
{
        out_str(o, "first_name", p ? p->first : call_query(c, "first_name"));
        out_str(o, "last_name", p ? p->last : call_query(c, "last_name"));
        out_str(o, "email", p ? p->email : STR_NULL);
        if (p)
                out_i64(o, "score", score_of(c, p));
        else
                out_null(o, "score");
        out_str(o, "domain", p ? p->company->domain : call_query(c, "domain"));
        out_bool(o, "accept_all", p && p->company->catch_all);
        out_str(o, "position", p ? call_field(c, p->email, "title", p->title) : STR_NULL);
        out_null(o, "twitter");
        out_str(o, "linkedin_url",
                p ? str_printf(c->ctx->arena, "https://www.linkedin.com/in/%.*s", FMT(p->linkedin))
                  : STR_NULL);
        out_str(o, "phone_number", STR_NULL);
        out_str(o, "company", p ? p->company->name : STR_NULL);
        out_array(o, "sources");
        out_end_array(o);
        out_object(o, "verification");
        out_null(o, "date");
        out_c(o, "status", p ? verification(p) : NULL);
        out_end_object(o);
}

void answer_hunter_finder(struct call *c)
{
        const struct company *co = company_asked(c, "domain", "company");
        const struct person *p = NULL;
        struct str name = name_asked(c);
        struct json_out o;

        if (!call_query(c, "domain").len && !call_query(c, "company").len) {
                call_error(c, 400, "bad_request", "wrong_params",
                           "You are missing the domain or the company parameter");
                return;
        }
        if (co)
                p = data_person_by_name(co, name);
        if (p && !call_knows(c, p->email))
                p = NULL;
        o = begin(c);
        c->fate = p ? "hit" : "miss";
        out_object(&o, NULL);
        out_object(&o, "data");
        finder_data(c, &o, p);
        out_end_object(&o);
        meta(&o);
        out_end_object(&o);
}

/* ---- /v2/domain-search ---- */

static void address(struct call *c, struct json_out *o, const struct person *p)
{
        out_object(o, NULL);
        out_str(o, "value", p->email);
        out_c(o, "type", "personal");
        out_i64(o, "confidence", score_of(c, p));
        out_array(o, "sources");
        out_end_array(o);
        out_str(o, "first_name", p->first);
        out_str(o, "last_name", p->last);
        out_str(o, "position", call_field(c, p->email, "title", p->title));
        out_str(o, "linkedin",
                str_printf(c->ctx->arena, "https://www.linkedin.com/in/%.*s", FMT(p->linkedin)));
        out_str(o, "phone_number", call_field(c, p->email, "phone", p->phone));
        out_object(o, "verification");
        out_null(o, "date");
        out_c(o, "status", verification(p));
        out_end_object(o);
        out_end_object(o);
}

void answer_hunter_search(struct call *c)
{
        const struct company *co = company_asked(c, "domain", "company");
        int64_t limit = call_query(c, "limit").len ? number_of(call_query(c, "limit")) : 10;
        struct json_out o;

        if (!call_query(c, "domain").len && !call_query(c, "company").len) {
                call_error(c, 400, "bad_request", "wrong_params",
                           "You are missing the domain or the company parameter");
                return;
        }
        if (co && !call_knows(c, co->domain))
                co = NULL;
        o = begin(c);
        c->fate = co ? "hit" : "miss";
        out_object(&o, NULL);
        out_object(&o, "data");
        out_str(&o, "domain", co ? co->domain : STR_NULL);
        out_bool(&o, "accept_all", co && co->catch_all);
        out_null(&o, "pattern");
        out_str(&o, "organization", co ? co->name : STR_NULL);
        out_array(&o, "emails");
        for (size_t i = 0; co && i < co->people.len && (int64_t)i < limit; i++)
                address(c, &o, co->people.ptr[i]);
        out_end_array(&o);
        out_end_object(&o);
        meta(&o);
        out_end_object(&o);
}

/* ---- /v2/email-verifier ---- */

static void verdict(struct call *c, struct json_out *o, const char *status, struct str email)
{
        bool valid = str_eq_c(STR("valid"), status), all = str_eq_c(STR("accept_all"), status);
        bool invalid = str_eq_c(STR("invalid"), status);

        out_c(o, "status", status);
        out_c(o, "result", valid ? "deliverable" : invalid ? "undeliverable" : "risky");
        out_i64(o, "score",
                valid     ? call_score(c, email, 90, 100)
                : invalid ? call_score(c, email, 0, 10)
                          : call_score(c, email, 40, 70));
        out_str(o, "email", email);
        out_bool(o, "regexp", true);
        out_bool(o, "gibberish", false);
        out_bool(o, "disposable", false);
        out_bool(o, "webmail", false);
        out_bool(o, "mx_records", true);
        out_bool(o, "smtp_server", true);
        out_bool(o, "smtp_check", valid);
        out_bool(o, "accept_all", all);
        out_bool(o, "block", false);
        out_array(o, "sources");
        out_end_array(o);
}

void answer_hunter_verifier(struct call *c)
{
        struct str email = str_lower(c->ctx->arena, call_query(c, "email"));
        size_t at = str_find_char(email, '@');
        const struct person *p = data_person_by_email(c->box->data, email);
        const struct company *co = NULL;
        const char *status = "unknown";
        struct json_out o;

        if (at == SIZE_MAX) {
                call_error(c, 400, "bad_request", "wrong_params", "The supplied email is invalid");
                return;
        }
        co = data_company_by_domain(c->box->data, str_slice(email, at + 1, email.len));
        if (p)
                status = verification(p);
        else if (co)
                status = co->catch_all ? "accept_all" : "invalid";
        if (!call_knows(c, email))
                status = "unknown";
        o = begin(c);
        c->fate = str_eq_c(STR("unknown"), status) ? "miss" : "hit";
        out_object(&o, NULL);
        out_object(&o, "data");
        verdict(c, &o, status, email);
        out_end_object(&o);
        meta(&o);
        out_end_object(&o);
}
