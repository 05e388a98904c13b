/* Countries by code or by what people call them. */
#include "features/provider/definition.h"

#include "text/fold.h"

static const struct country countries[] = {
#define COUNTRY(code, name, aliases) {code, name, aliases},
#include "features/provider/country.def"
#undef COUNTRY
};

static bool is(struct arena *a, const struct country *c, struct str folded)
{
        struct str rest = str_from(c->aliases), alias;

        if (str_eq(folded, text_fold(a, str_from(c->name))))
                return true;
        while (str_split(&rest, '|', &alias))
                if (alias.len && str_eq(folded, text_fold(a, alias)))
                        return true;
        return false;
}

const struct country *country_find(struct str text)
{
        const struct country *found = NULL;
        struct arena arena;
        struct str folded;

        for (size_t i = 0; i < ELEMENTS(countries); i++)
                if (str_eq_nocase(str_trim(text), str_from(countries[i].code)))
                        return &countries[i];
        arena_init(&arena, 8 << 20);
        folded = text_fold(&arena, str_slice(text, 0, 200));
        for (size_t i = 0; folded.len && !found && i < ELEMENTS(countries); i++)
                if (is(&arena, &countries[i], folded))
                        found = &countries[i];
        arena_finish(&arena);
        return found;
}
