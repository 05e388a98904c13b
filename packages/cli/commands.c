/* Every command of `millrace`, once: name, help, options, function. */
#include "cli.h"

#define EXITS_PLAIN    "0 done, 1 could not be done, 2 wrong usage"
#define EXITS_DATABASE EXITS_PLAIN ", 3 the database does not answer"

static const struct option_spec no_options[] = {{NULL, 0, NULL, NULL}};

static const struct option_spec schema_options[] = {
        {"lines", 0, NULL, "read every document as JSON Lines, one value a line"},
        {NULL, 0, NULL, NULL},
};

static const struct option_spec csv_options[] = {
        {"format", 'f', "csv|jsonl", "what to write (default csv)"},
        {"delimiter", 'd', "CHAR", "what parts the cells; \"tab\" for a tab (default: found out)"},
        {"encoding", 0, "NAME", "utf-8, utf-16le, utf-16be or windows-1252 (default: found out)"},
        {"header", 0, NULL, "the first row names the columns (default: found out)"},
        {"no-header", 0, NULL, "the first row is data"},
        {"limit", 'n', "N", "stop after N rows"},
        {"crlf", 0, NULL, "end CSV rows with CR LF"},
        {"formula-safe", 0, NULL, "put ' before cells that a spreadsheet would run as a formula"},
        {"verbose", 'v', NULL, "say on stderr what was found out about the file"},
        {NULL, 0, NULL, NULL},
};

static const struct option_spec down_options[] = {
        {"to", 0, "N", "the migration to go back to; 0 reverts all (default: the last but one)"},
        {"yes", 'y', NULL, "do not ask"},
        {NULL, 0, NULL, NULL},
};

static const struct option_spec enrich_options[] = {
        {"output", 'o', "FILE", "where to write (default: FILE.enriched.csv beside the input)"},
        {"column", 'c', "FIELD",
         "what to fill: email, domain, industry, phone, …; may be repeated"},
        {"waterfall", 'w', "A,B,C",
         "the providers to ask for the --column before it, in this order"},
        {"budget", 'b', "N", "spend at most N credits"},
        {"dry-run", 0, NULL, "only say how many cells there are and what they may cost"},
        {"workspace", 0, "NAME|ID", "the workspace to work in (default: your first)"},
        {"user", 0, "EMAIL", "work as this user (default: the oldest platform administrator)"},
        {"no-start", 0, NULL, "do not start a server when none runs"},
        {NULL, 0, NULL, NULL},
};

static const struct option_spec user_options[] = {
        {"user", 0, "EMAIL", "for this user (default: the oldest platform administrator)"},
        {NULL, 0, NULL, NULL},
};

static const struct option_spec user_add_options[] = {
        {"name", 0, "NAME", "the person's name (default: what is before the @)"},
        {"workspace", 0, "NAME", "name of the workspace that is made for them"},
        {NULL, 0, NULL, NULL},
};

static const struct option_spec grant_options[] = {
        {"revoke", 0, NULL, "take it away again"},
        {NULL, 0, NULL, NULL},
};

static const struct option_spec credits_options[] = {
        {"memo", 0, "TEXT", "why, for the ledger"},
        {"key", 0, "KEY", "idempotency key: the same one again changes nothing"},
        {NULL, 0, NULL, NULL},
};

const struct command commands[] = {
        {"enrich", "FILE.csv", "Fill what a CSV file misses, and say where each value came from",
         "Without --column the columns are recognised and domain, industry, employee count, "
         "country,\n"
         "description and a contact e-mail are added where they can be found. Each filled column "
         "is\n"
         "followed by \"… source\" and \"… confidence\". Only empty cells are filled.\n"
         "\n"
         "The server at MILLRACE_URL does the work; when none runs, ./run --detach of this "
         "checkout\n"
         "starts one. MILLRACE_TOKEN is the access token to use; without it a session is made in "
         "the\n"
         "local installation. Ctrl-C leaves the job running: the same command goes on where it\n"
         "stopped, by the file OUTPUT.millrace-state, which is removed at the end.",
         "0 done, 1 could not be done, 2 wrong usage, 3 no server answers, 4 the job ended early\n"
         "(budget, cancelled) and what there is was written, 130 interrupted",
         enrich_options, 1, 1, command_enrich},
        {"schema validate", "SCHEMA.json DOC…",
         "Check JSON documents against a JSON Schema (2020-12)",
         "A document is a file with one JSON value or with JSON Lines; \"-\" is standard input. "
         "Each\n"
         "fault is one line: FILE[:LINE]: /json/pointer: message. Without a document only the "
         "schema\n"
         "is checked.",
         "0 all valid, 1 faults were listed, 2 the schema is wrong or a file cannot be read",
         schema_options, 1, SIZE_MAX, command_schema_validate},
        {"csv cat", "FILE", "Read any CSV file and write it as clean CSV or JSON Lines",
         "\"-\" is standard input. Delimiter, encoding (UTF-8, UTF-16, Windows-1252), line ends "
         "and\n"
         "header are found out; the output is UTF-8. Rows that are not quite right are kept and "
         "named\n"
         "on stderr. Memory use does not grow with the file.",
         "0 done, 1 the file cannot be read to its end, 2 wrong usage or no such file", csv_options,
         1, 1, command_csv_cat},
        {"migrate up", "", "Bring the database's schema up to this program", "", EXITS_DATABASE,
         no_options, 0, 0, command_migrate_up},
        {"migrate down", "", "Revert migrations, dropping what they hold", "", EXITS_DATABASE,
         down_options, 0, 0, command_migrate_down},
        {"migrate status", "", "Say which migrations the database has", "",
         "0 up to date, 1 not up to date, 2 wrong usage, 3 the database does not answer",
         no_options, 0, 0, command_migrate_status},
        {"providers list", "", "List the data providers: what they take, give and cost",
         "Inputs marked * are required. MILLRACE_PROVIDERS_DIR adds definitions of your own.",
         EXITS_PLAIN, no_options, 0, 0, command_providers_list},
        {"providers check", "[FOLDER]",
         "Check provider definitions and interpret their sample answers",
         "Without a folder the shipped definitions are checked. FOLDER/fixtures/SLUG.json holds "
         "sample\n"
         "answers and what they mean; docs/providers.md describes both formats.",
         "0 all fine, 1 faults were listed, 2 wrong usage", no_options, 0, 1,
         command_providers_check},
        {"openapi", "", "Print the API's OpenAPI 3.1 document", "", EXITS_PLAIN, no_options, 0, 0,
         command_openapi},
        {"admin login-link", "", "Print a link that signs in once, within a day",
         "On a new installation this makes the first user, with a workspace.", EXITS_DATABASE,
         user_options, 0, 0, command_admin_login_link},
        {"admin token", "", "Print an access token for the API, good for 15 minutes", "",
         EXITS_DATABASE, user_options, 0, 0, command_admin_token},
        {"admin user list", "", "List the users", "", EXITS_DATABASE, no_options, 0, 0,
         command_admin_user_list},
        {"admin user add", "EMAIL", "Make a user with a workspace and print their login link", "",
         EXITS_DATABASE, user_add_options, 1, 1, command_admin_user_add},
        {"admin grant", "EMAIL", "Make a user a platform administrator", "", EXITS_DATABASE,
         grant_options, 1, 1, command_admin_grant},
        {"admin credits", "WORKSPACE AMOUNT", "Give a workspace credits, or take unspent ones back",
         "WORKSPACE is its name or id. To take credits back put the negative AMOUNT behind \"--\".",
         EXITS_DATABASE, credits_options, 2, 2, command_admin_credits},
        {"admin reconcile", "", "Prove that the ledger, the jobs and the attempts agree", "",
         "0 they agree, 1 discrepancies were listed, 2 wrong usage, 3 the database does not answer",
         no_options, 0, 0, command_admin_reconcile},
        {"admin reseal", "", "Seal every credential with the current master key",
         "After a change of MILLRACE_MASTER_KEY, while the former one is still in\n"
         "MILLRACE_MASTER_KEY_PREVIOUS. Afterwards the former key is no longer needed for "
         "credentials.",
         EXITS_DATABASE, no_options, 0, 0, command_admin_reseal},
        {"doctor", "", "Check every part of this installation and say how to mend it", "",
         "0 no faults (warnings may be), 1 faults, 2 wrong usage", no_options, 0, 0,
         command_doctor},
        {"version", "", "Print the version", "", EXITS_PLAIN, no_options, 0, 0, command_version},
        {0},
};
