/* People Data Labs as its documentation v5 describes it: company and person enrichment. */
#include "sandbox.h"

#include "text/fold.h"

/* PDL writes lower case unless asked for titlecase. */
static struct str cased(struct call *c, struct str text)
{
        if (!text.len || str_eq(call_query(c, "titlecase"), STR("true")))
                return text;
        return text_casefold(c->ctx->arena, text);
}

static void miss(struct call *c)
{
        call_error(c, 404, "miss", "not_found", "No records were found matching your request");
}

static struct json_out begin(struct call *c)
{
        c->status = 200;
        c->fate = "hit";
        return (struct json_out){&c->out, false};
}

/* The bracket a firm of that size falls in, as PDL names them. */
static const char *size_of(int64_t employees)
{
        return employees > 10000  ? "10001+"
               : employees > 5000 ? "5001-10000"
               : employees > 1000 ? "1001-5000"
               : employees > 500  ? "501-1000"
                                  : "201-500";
}

/* Guessed from the headcount at 250,000 dollars a head, which is what an inference can say. */
static const char *revenue_of(int64_t employees)
{
        return employees > 40000  ? "$10B+"
               : employees > 4000 ? "$1B-$10B"
               : employees > 2000 ? "$500M-$1B"
                                  : "$100M-$500M";
}

static void number_or_null(struct json_out *o, const char *key, struct str text)
{
        if (text.len)
                out_i64(o, key, number_of(text));
        else
                out_null(o, key);
}

static void company_place(struct call *c, struct json_out *o, const struct company *co)
{
        out_object(o, "location");
        out_str(o, "name",
                cased(c, str_printf(c->ctx->arena, "%.*s, %.*s", FMT(co->city), FMT(co->country))));
        out_str(o, "locality", cased(c, call_field(c, co->domain, "city", co->city)));
        out_null(o, "region");
        out_str(o, "country", cased(c, co->country));
        out_null(o, "street_address");
        out_null(o, "postal_code");
        out_end_object(o);
}

static void company_body(struct call *c, struct json_out *o, const struct company *co)
{
        struct ctx *ctx = c->ctx;
        struct str s = co->domain;
        int64_t employees = number_of(co->employees);

        out_i64(o, "status", 200);
        out_str(o, "id", co->domain);
        out_str(o, "name", text_casefold(ctx->arena, co->name));
        out_str(o, "display_name", co->name);
        out_c(o, "size", size_of(employees));
        number_or_null(o, "employee_count", call_field(c, s, "employees", co->employees));
        number_or_null(o, "founded", call_field(c, s, "founded", co->founded));
        out_c(o, "inferred_revenue", revenue_of(employees));
        out_str(o, "industry", cased(c, call_field(c, s, "industry", co->industry)));
        company_place(c, o, co);
        out_str(o, "linkedin_url",
                str_printf(ctx->arena, "linkedin.com/company/%.*s", FMT(co->linkedin)));
        out_str(o, "website", co->domain);
        out_str(o, "ticker", co->ticker.len ? co->ticker : STR_NULL);
        out_c(o, "type", co->ticker.len ? "public" : "private");
        out_str(o, "summary", call_field(c, s, "description", co->description));
}

void answer_pdl_company(struct call *c)
{
        const struct data *d = c->box->data;
        struct str website = host_of(c->ctx, call_query(c, "website"));
        struct str name = call_query(c, "name"), ticker = call_query(c, "ticker");
        struct str profile = call_query(c, "profile");
        const struct company *co = NULL;
        struct json_out o;

        if (!website.len && !name.len && !ticker.len && !profile.len) {
                call_error(c, 400, "bad_request", "invalid_request_error",
                           "Request contained insufficient parameters");
                return;
        }
        if (website.len)
                co = data_company_by_domain(d, website);
        if (!co && ticker.len)
                co = data_company_by_ticker(d, ticker);
        if (!co && profile.len)
                co = data_company_by_linkedin(d, profile);
        if (!co && name.len)
                co = data_company_by_name(d, name);
        if (!co || !call_knows(c, co->domain)) {
                miss(c);
                return;
        }
        o = begin(c);
        out_object(&o, NULL);
        company_body(c, &o, co);
        out_i64(&o, "likelihood",
                website.len || ticker.len ? call_score(c, co->domain, 8, 10)
                                          : call_score(c, co->domain, 6, 9));
        out_end_object(&o);
}

/* ---- person ---- */

static const struct person *person_asked(struct call *c)
{
        const struct data *d = c->box->data;
        struct str email = call_query(c, "email"), profile = call_query(c, "profile");
        struct str name = call_query(c, "name"), company = call_query(c, "company");
        const struct person *p = NULL;
        const struct company *co;

        if (email.len)
                p = data_person_by_email(d, email);
        if (!p && profile.len)
                p = data_person_by_linkedin(d, profile);
        if (p || !company.len)
                return p;
        if (!name.len)
                name = str_printf(c->ctx->arena, "%.*s %.*s", FMT(call_query(c, "first_name")),
                                  FMT(call_query(c, "last_name")));
        co = data_company_by_domain(d, host_of(c->ctx, company));
        if (!co)
                co = data_company_by_name(d, company);
        return co ? data_person_by_name(co, name) : NULL;
}

static void person_body(struct call *c, struct json_out *o, const struct person *p)
{
        struct str s = p->email;

        out_str(o, "id", p->linkedin);
        out_str(o, "full_name",
                cased(c, str_printf(c->ctx->arena, "%.*s %.*s", FMT(p->first), FMT(p->last))));
        out_str(o, "first_name", cased(c, p->first));
        out_str(o, "last_name", cased(c, p->last));
        out_str(o, "linkedin_url",
                str_printf(c->ctx->arena, "linkedin.com/in/%.*s", FMT(p->linkedin)));
        out_str(o, "work_email", call_field(c, s, "email", p->email));
        out_str(o, "mobile_phone", call_field(c, s, "phone", p->phone));
        out_array(o, "phone_numbers");
        out_end_array(o);
        out_str(o, "job_title", cased(c, call_field(c, s, "title", p->title)));
        out_str(o, "job_company_name", cased(c, p->company->name));
        out_str(o, "job_company_website", p->company->domain);
        out_str(o, "location_locality", cased(c, call_field(c, s, "city", p->company->city)));
        out_null(o, "location_region");
        out_str(o, "location_country", cased(c, p->company->country));
}

void answer_pdl_person(struct call *c)
{
        const struct person *p = person_asked(c);
        struct json_out o;

        if (!p || !call_knows(c, p->email)) {
                miss(c);
                return;
        }
        o = begin(c);
        out_object(&o, NULL);
        out_i64(&o, "status", 200);
        out_i64(&o, "likelihood", call_score(c, p->email, 6, 10));
        out_object(&o, "data");
        person_body(c, &o, p);
        out_end_object(&o);
        out_end_object(&o);
}
