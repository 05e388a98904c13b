/* Abstract, Anymail Finder, ZeroBounce and BuiltWith as their documentations describe them. */
#include "sandbox.h"

static struct json_out begin(struct call *c)
{
        c->status = 200;
        c->fate = "hit";
        return (struct json_out){&c->out, false};
}

static void list(struct json_out *o, const char *key, struct str text)
{
        struct str one;

        out_array(o, key);
        while (text.len && str_split(&text, ',', &one))
                out_str(o, NULL, one);
        out_end_array(o);
}

/* ---- Abstract Company Enrichment v2: numbers are text, unknown fields null ---- */

static void abstract_body(struct call *c, struct json_out *o, const struct company *co)
{
        struct str s = co->domain;

        out_str(o, "company_name", co->name);
        out_str(o, "description", call_field(c, s, "description", co->description));
        out_str(o, "year_founded", call_field(c, s, "founded", co->founded));
        out_null(o, "street_address");
        out_str(o, "city", call_field(c, s, "city", co->city));
        out_null(o, "state");
        out_str(o, "country", co->country);
        out_str(o, "country_iso_code", co->country_code);
        out_null(o, "postal_code");
        out_str(o, "industry", call_field(c, s, "industry", co->industry));
        out_str(o, "employee_count", call_field(c, s, "employees", co->employees));
        out_null(o, "annual_revenue");
        list(o, "phone_numbers", call_field(c, s, "phone", co->phone));
        list(o, "email_addresses", STR(""));
        out_c(o, "type", co->ticker.len ? "public" : "private");
        out_str(o, "ticker", co->ticker.len ? co->ticker : STR_NULL);
        list(o, "technologies", call_field(c, s, "technologies", co->technologies));
        out_str(o, "linkedin_url",
                str_printf(c->ctx->arena, "linkedin.com/company/%.*s", FMT(co->linkedin)));
}

void answer_abstract(struct call *c)
{
        struct str domain = host_of(c->ctx, call_query(c, "domain"));
        const struct company *co = data_company_by_domain(c->box->data, domain);
        struct json_out o;

        if (!domain.len) {
                call_error(c, 400, "bad_request", "validation_error",
                           "A validation error occurred.");
                return;
        }
        if (co && !call_knows(c, domain))
                co = NULL;
        o = begin(c);
        out_object(&o, NULL);
        out_str(&o, "domain", domain);
        if (co) {
                abstract_body(c, &o, co);
        } else {
                c->fate = "miss";
                out_null(&o, "company_name");
                out_null(&o, "employee_count");
                out_null(&o, "industry");
        }
        out_end_object(&o);
}

/* ---- Anymail Finder v5.1 ---- */

static const struct company *company_of_body(struct call *c)
{
        struct str domain = host_of(c->ctx, call_member(c, "domain"));

        if (domain.len)
                return data_company_by_domain(c->box->data, domain);
        return data_company_by_name(c->box->data, call_member(c, "company_name"));
}

static bool anymail_asked(struct call *c)
{
        if (call_member(c, "domain").len || call_member(c, "company_name").len)
                return true;
        call_error(c, 400, "bad_request", "bad_request",
                   "Please supply either a domain or a company_name");
        return false;
}

static const char *anymail_status(const struct person *p)
{
        if (!p || str_eq(p->status, STR("invalid")))
                return "not_found";
        return str_eq(p->status, STR("valid")) ? "valid" : "risky";
}

void answer_anymail_person(struct call *c)
{
        const struct company *co = company_of_body(c);
        struct str name = call_member(c, "full_name");
        const struct person *p = NULL;
        bool valid, found;
        struct json_out o;

        if (!anymail_asked(c))
                return;
        if (!name.len)
                name = str_printf(c->ctx->arena, "%.*s %.*s", FMT(call_member(c, "first_name")),
                                  FMT(call_member(c, "last_name")));
        if (co)
                p = data_person_by_name(co, name);
        if (p && !call_knows(c, p->email))
                p = NULL;
        found = !str_eq_c(STR("not_found"), anymail_status(p));
        valid = str_eq_c(STR("valid"), anymail_status(p));
        o = begin(c);
        c->fate = found ? "hit" : "miss";
        out_object(&o, NULL);
        out_i64(&o, "credits_charged", valid);
        out_str(&o, "email", found ? p->email : STR_NULL);
        out_c(&o, "email_status", anymail_status(p));
        out_str(&o, "valid_email", valid ? p->email : STR_NULL);
        out_str(&o, "person_full_name",
                found ? str_printf(c->ctx->arena, "%.*s %.*s", FMT(p->first), FMT(p->last))
                      : STR_NULL);
        out_str(&o, "person_job_title",
                found ? call_field(c, p->email, "title", p->title) : STR_NULL);
        out_end_object(&o);
}

void answer_anymail_company(struct call *c)
{
        const struct company *co = company_of_body(c);
        const struct person *p = NULL;
        struct json_out o;
        bool valid;

        if (!anymail_asked(c))
                return;
        if (co && call_knows(c, co->domain) && co->people.len)
                p = co->people.ptr[co->people.len - 1];
        valid = str_eq_c(STR("valid"), anymail_status(p));
        if (str_eq_c(STR("not_found"), anymail_status(p)))
                p = NULL;
        o = begin(c);
        c->fate = p ? "hit" : "miss";
        out_object(&o, NULL);
        out_i64(&o, "credits_charged", valid);
        out_c(&o, "email_status", anymail_status(p));
        list(&o, "emails", p ? p->email : STR(""));
        list(&o, "valid_emails", valid ? p->email : STR(""));
        out_end_object(&o);
}

/* ---- ZeroBounce v2 ---- */

static const char *zerobounce_status(struct call *c, const struct person *p, struct str domain)
{
        const struct company *co = data_company_by_domain(c->box->data, domain);

        if (!p && !co)
                return "unknown";
        if (!p)
                return co->catch_all ? "catch-all" : "invalid";
        return str_eq(p->status, STR("catch_all")) ? "catch-all"
               : str_eq(p->status, STR("risky"))   ? "do_not_mail"
               : str_eq(p->status, STR("invalid")) ? "invalid"
                                                   : "valid";
}

void answer_zerobounce(struct call *c)
{
        struct str email = str_lower(c->ctx->arena, call_query(c, "email"));
        size_t at = str_find_char(email, '@');
        const struct person *p = data_person_by_email(c->box->data, email);
        struct str domain = at == SIZE_MAX ? STR("") : str_slice(email, at + 1, email.len);
        const char *status = at == SIZE_MAX ? "invalid" : zerobounce_status(c, p, domain);
        struct json_out o;

        if (at != SIZE_MAX && !call_knows(c, email))
                status = "unknown";
        o = begin(c);
        c->fate = str_eq_c(STR("unknown"), status) ? "miss" : "hit";
        out_object(&o, NULL);
        out_str(&o, "address", email);
        out_c(&o, "status", status);
        out_c(&o, "sub_status", at == SIZE_MAX ? "failed_syntax_check" : "");
        out_bool(&o, "free_email", false);
        out_null(&o, "did_you_mean");
        out_str(&o, "account", at == SIZE_MAX ? STR_NULL : str_slice(email, 0, at));
        out_str(&o, "domain", domain.len ? domain : STR_NULL);
        out_c(&o, "mx_found", "true");
        out_null(&o, "mx_record");
        out_str(&o, "firstname", p ? call_field(c, email, "first", p->first) : STR_NULL);
        out_str(&o, "lastname", p ? call_field(c, email, "last", p->last) : STR_NULL);
        out_null(&o, "processed_at");
        out_end_object(&o);
}

/* ---- BuiltWith Domain API v22 ---- */

static void technology(struct json_out *o, struct str name)
{
        out_object(o, NULL);
        out_str(o, "Name", name);
        out_c(o, "Tag", "technology");
        out_i64(o, "FirstDetected", INT64_C(1514764800000));
        out_i64(o, "LastDetected", INT64_C(1717200000000));
        out_end_object(o);
}

static void builtwith_result(struct call *c, struct json_out *o, const struct company *co)
{
        struct str rest = co->technologies, one;

        out_object(o, "Result");
        out_c(o, "IsDB", "True");
        out_array(o, "Paths");
        out_object(o, NULL);
        out_str(o, "Domain", co->domain);
        out_c(o, "Url", "");
        out_c(o, "SubDomain", "");
        out_array(o, "Technologies");
        while (rest.len && str_split(&rest, ',', &one))
                technology(o, one);
        out_end_array(o);
        out_end_object(o);
        out_end_array(o);
        out_end_object(o);
        out_object(o, "Meta");
        out_str(o, "CompanyName", co->name);
        out_str(o, "Vertical", call_field(c, co->domain, "industry", co->industry));
        out_str(o, "City", call_field(c, co->domain, "city", co->city));
        out_str(o, "Country", co->country_code);
        out_end_object(o);
}

void answer_builtwith(struct call *c)
{
        struct str domain = host_of(c->ctx, call_query(c, "LOOKUP"));
        const struct company *co = data_company_by_domain(c->box->data, domain);
        struct json_out o;

        if (!domain.len) {
                call_error(c, 200, "bad_request", "bad_request", "LOOKUP is missing");
                return;
        }
        if (co && !call_knows(c, domain))
                co = NULL;
        o = begin(c);
        c->fate = co ? "hit" : "miss";
        out_object(&o, NULL);
        out_null(&o, "NextOffset");
        out_array(&o, "Results");
        out_object(&o, NULL);
        out_str(&o, "Lookup", domain);
        if (co) {
                builtwith_result(c, &o, co);
        } else {
                out_object(&o, "Result");
                out_array(&o, "Paths");
                out_end_array(&o);
                out_end_object(&o);
                out_null(&o, "Meta");
        }
        out_end_object(&o);
        out_end_array(&o);
        out_array(&o, "Errors");
        out_end_array(&o);
        out_end_object(&o);
}
