/* The table behind settings.def. */
#include "base/app.h"

const struct conf_entry settings_table[] = {
#define SETTING(name, kind, member, otherwise, min, max, help) \
        {name, CONF_##kind, offsetof(struct settings, member), otherwise, min, max, help},
#include "base/settings.def"
#undef SETTING
        {0},
};
